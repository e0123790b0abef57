import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8ToBytes } from '../../../../crypto/index.js';
import { dealRoundRobin, splitRows } from '../../../../fl/index.js';

describe('splitRows', () => {
  it('puts each row in exactly one part, and the same seed gives the same split', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), fc.uint8Array({ maxLength: 8 }), (a, b, seed) => {
        const [rows, trainRows] = [Math.max(a, b), Math.min(a, b)];
        const split = splitRows(rows, trainRows, seed);
        expect(split.train).toHaveLength(trainRows);
        const all = [...split.train, ...split.test].sort((x, y) => x - y);
        expect(all).toEqual(Array.from({ length: rows }, (_, index) => index));
        expect(splitRows(rows, trainRows, seed)).toEqual(split);
      }),
    );
  });

  it('gives every order of three rows about as often (χ², 5 degrees, p = 1e-6)', () => {
    const counts = new Map<string, number>();
    const draws = 6000;
    for (let seed = 0; seed < draws; seed++) {
      const key = splitRows(3, 3, utf8ToBytes(`seed ${seed}`)).train.join('');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const expected = draws / 6;
    expect(counts.size).toBe(6);
    const chi = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    expect(chi).toBeLessThan(35.9);
  });

  it('takes no more rows than there are', () => {
    expect(() => splitRows(3, 4, new Uint8Array())).toThrow(RangeError);
    expect(() => splitRows(3, -1, new Uint8Array())).toThrow(RangeError);
    expect(() => splitRows(3, 1.5, new Uint8Array())).toThrow(RangeError);
  });
});

describe('dealRoundRobin', () => {
  it('deals in turn', () => {
    expect(dealRoundRobin([5, 6, 7, 8, 9], 2)).toEqual([
      [5, 7, 9],
      [6, 8],
    ]);
    expect(dealRoundRobin([1], 3)).toEqual([[1], [], []]);
    expect(() => dealRoundRobin([1], 0)).toThrow(RangeError);
  });
});
