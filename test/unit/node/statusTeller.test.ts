import { describe, expect, it } from 'vitest';
import { decodeMessage } from '../../../node/driver/message.js';
import { StatusTeller } from '../../../node/statusTeller.js';
import { TestClock } from '../../support/clock.js';

function teller() {
  const clock = new TestClock();
  const at = { height: 7, hash: new Uint8Array(32), period: 0, agreeing: false };
  const said: unknown[] = [];
  const status = () => ({ height: at.height, hash: at.hash, period: at.period });
  const made = new StatusTeller({
    clock,
    status,
    isAgreeing: () => at.agreeing,
    publish: (message) => void said.push(decodeMessage(message)),
  });
  /** A second passes, and the node calls; how often it spoke. */
  const seconds = (count: number): number => {
    const before = said.length;
    for (let i = 0; i < count; i++) {
      clock.advance(1_000);
      made.tick();
    }
    return said.length - before;
  };
  return { clock, at, said, status, made, seconds };
}

describe('where a node stands', () => {
  it('is said every fourth second while nothing happens', () => {
    const { said, status, seconds } = teller();
    expect(seconds(1)).toBe(1);
    expect(said).toEqual([{ kind: 'status', status: status() }]);
    expect(seconds(3)).toBe(0);
    expect(seconds(1)).toBe(1);
    expect(seconds(8)).toBe(2);
  });

  it('is said within a second of a block, of another block at the height, and of a period', () => {
    const { at, seconds } = teller();
    seconds(1);
    at.height = 8;
    expect(seconds(1)).toBe(1);
    at.hash = new Uint8Array(32).fill(1);
    expect(seconds(1)).toBe(1);
    at.period = 1;
    expect(seconds(1)).toBe(1);
    expect(seconds(1)).toBe(0);
  });

  it('is said every second while a block is being agreed on', () => {
    const { at, seconds } = teller();
    at.agreeing = true;
    expect(seconds(5)).toBe(5);
  });

  it('is said at once to a new link', () => {
    const { said, made, seconds } = teller();
    seconds(1);
    made.say();
    expect(said).toHaveLength(2);
  });

  it('is said by the clock that nobody sets back', () => {
    const { clock, seconds } = teller();
    seconds(1);
    clock.set(-3_600_000);
    expect(seconds(4)).toBe(1);
  });
});
