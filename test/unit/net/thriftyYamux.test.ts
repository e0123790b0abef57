import { describe, expect, it } from 'vitest';
import { tellLate } from '../../../net/thriftyYamux.js';

const OPENING = 1;
const ESTABLISHED = 3;

function stream(state: number, left: number) {
  const made = { state, recvWindow: 1_000, recvWindowCapacity: left, told: 0, sendWindowUpdate: () => {} };
  made.sendWindowUpdate = function (this: typeof made) {
    this.told += 1;
  };
  const late = tellLate(made);
  late.sendWindowUpdate();
  return made.told;
}

describe('the window of a stream', () => {
  it('is told of when half of it is used, and not before', () => {
    expect(stream(ESTABLISHED, 1_000)).toBe(0);
    expect(stream(ESTABLISHED, 501)).toBe(0);
    expect(stream(ESTABLISHED, 500)).toBe(1);
    expect(stream(ESTABLISHED, 0)).toBe(1);
  });

  it('goes with what opens a stream, however much is left', () => {
    expect(stream(OPENING, 1_000)).toBe(1);
  });

  it('is that of Yamux: other streams stay as they are', () => {
    const other = { send: () => 7 };
    expect(tellLate(other)).toBe(other);
    expect(other.send()).toBe(7);
  });
});
