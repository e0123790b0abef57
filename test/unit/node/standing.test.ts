import { describe, expect, it } from 'vitest';
import { Standing } from '../../../node/standing.js';

describe('where the others stand', () => {
  it('is unknown, and so ahead, until f+1 of them have spoken', () => {
    const standing = new Standing();
    expect(standing.isBehind(5, 1)).toBe(true);
    standing.heard('a', 5);
    expect(standing.isBehind(5, 1)).toBe(true);
    standing.heard('b', 5);
    expect(standing.isBehind(5, 1)).toBe(false);
  });

  it('is what f+1 claim: f liars move it neither way', () => {
    const standing = new Standing();
    for (const [peer, height] of [
      ['liar', 1e9],
      ['b', 7],
      ['c', 7],
    ] as const)
      standing.heard(peer, height);
    expect(standing.isBehind(6, 1)).toBe(true);
    expect(standing.isBehind(7, 1)).toBe(false);
  });

  it('goes by the newest word of each', () => {
    const standing = new Standing();
    standing.heard('a', 3);
    standing.heard('a', 9);
    expect(standing.isBehind(8, 0)).toBe(true);
    standing.heard('a', 8);
    expect(standing.isBehind(8, 0)).toBe(false);
  });
});
