import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clampToSafe,
  divideRounded,
  divideRoundedBig,
  dot,
  squaredDistance,
  squaredNorm,
} from '../../../../fl/robust/integers.js';

const naive = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, entry, index) => sum + BigInt(entry) * BigInt(b[index]!), 0n);

const seed = 20_261_122;

describe('dot', () => {
  it('is exact where sums of doubles are not', () => {
    // The terms cancel down to 1, which a sum in doubles loses.
    const a = Float64Array.of(2 ** 40, 1, -(2 ** 40));
    const b = Float64Array.of(2 ** 40, 1, 2 ** 40);
    expect(dot(a, b)).toBe(1n);
    expect(dot(Int32Array.of(-(2 ** 31), 3), Int32Array.of(2 ** 31 - 1, 5))).toBe(
      -(2n ** 31n) * (2n ** 31n - 1n) + 15n,
    );
  });

  it('is exact over more entries than fit one block', () => {
    const a = new Int32Array(1000).fill(2 ** 23 + 1);
    expect(dot(a, a)).toBe(1000n * (2n ** 23n + 1n) ** 2n);
  });

  it(`equals the sum in big integers (seed ${seed})`, () => {
    const sizes = fc.constantFrom(10, 2 ** 16, 2 ** 31 - 1, 2 ** 40, 2 ** 52);
    const pairs = fc.tuple(sizes, sizes).chain(([x, y]) =>
      fc.array(fc.tuple(fc.integer({ min: -x, max: x }), fc.integer({ min: -y, max: y })), {
        maxLength: 80,
      }),
    );
    fc.assert(
      fc.property(pairs, (entries) => {
        const a = entries.map(([x]) => x);
        const b = entries.map(([, y]) => y);
        expect(dot(Float64Array.from(a), Float64Array.from(b))).toBe(naive(a, b));
      }),
      { seed, numRuns: 300 },
    );
  });

  it('asserts on vectors of different lengths', () => {
    expect(() => dot(Int32Array.of(1), Int32Array.of(1, 2))).toThrow(/one length/);
    expect(() => squaredDistance(Int32Array.of(1), Int32Array.of(1, 2))).toThrow(/one length/);
  });
});

describe('rounded division', () => {
  it('takes halves away from zero', () => {
    expect([7, 5, 3, 1, 0, -1, -3, -5].map((n) => divideRounded(n, 2))).toEqual([4, 3, 2, 1, 0, -1, -2, -3]);
    expect([4, 5, -4, -5].map((n) => divideRounded(n, 3))).toEqual([1, 2, -1, -2]);
    expect([5n, -5n, 4n, -4n].map((n) => divideRoundedBig(n, 2n))).toEqual([3n, -3n, 2n, -2n]);
    expect(divideRounded(-1, 3)).toBe(0);
  });

  it(`equals division of big integers (seed ${seed})`, () => {
    const numerator = fc.oneof(
      fc.integer({ min: -(2 ** 51), max: 2 ** 51 }),
      fc.integer({ min: -20, max: 20 }),
    );
    const denominator = fc.oneof(fc.integer({ min: 1, max: 2 ** 20 }), fc.integer({ min: 1, max: 7 }));
    fc.assert(
      fc.property(numerator, denominator, (n, d) => {
        expect(BigInt(divideRounded(n, d))).toBe(divideRoundedBig(BigInt(n), BigInt(d)));
      }),
      { seed, numRuns: 1000 },
    );
  });
});

describe('clampToSafe', () => {
  it('cuts to the safe integers on either side', () => {
    expect(clampToSafe(2n ** 60n)).toBe(Number.MAX_SAFE_INTEGER);
    expect(clampToSafe(-(2n ** 60n))).toBe(-Number.MAX_SAFE_INTEGER);
    expect(clampToSafe(-12n)).toBe(-12);
  });
});

describe('squaredNorm', () => {
  const entry = fc
    .integer({ min: 0, max: 31 })
    .chain((bits) => fc.integer({ min: -(2 ** bits), max: 2 ** bits - 1 }));

  it('is the sum of the squares in whole numbers, whatever the sizes', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 100 }), (entries) => {
        const wire = Int32Array.from(entries);
        expect(squaredNorm(wire)).toBe(naive(entries, entries));
        expect(squaredNorm(Float64Array.from(entries))).toBe(naive(entries, entries));
      }),
      { seed, numRuns: 1_000 },
    );
  });

  it.each([
    ['the largest', -(2 ** 31)],
    ['the largest that are summed as they are', -(2 ** 16)],
    ['the largest low halves', 2 ** 31 - 1],
  ])('is exact for as many entries as an update has at most, %s', (_, value) => {
    const count = 2 ** 22 + 1;
    const wire = new Int32Array(count).fill(value);
    expect(squaredNorm(wire)).toBe(BigInt(count) * BigInt(value) ** 2n);
    // Odd sums, which a double beyond 2⁵³ loses.
    wire[7] = 1;
    expect(squaredNorm(wire)).toBe(BigInt(count - 1) * BigInt(value) ** 2n + 1n);
  });
});
