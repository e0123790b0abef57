import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK, createDifferences } from '../../../../fl/robust/differences.js';
import { byBlocks, byPairs, distancesOfMeans, MEAN_UNIT } from '../../../../fl/robust/distances.js';
import { divideRoundedBig } from '../../../../fl/robust/integers.js';
import type { RoundUpdate } from '../../../../fl/robust/rule.js';

const updateOf = (wire: Int32Array, units: number) => ({ wire, units }) as RoundUpdate;

/** From the definition, in whole numbers alone. */
function expected(updates: readonly RoundUpdate[]): bigint[][] {
  const means = updates.map(({ wire, units }) =>
    Array.from(wire, (entry) => divideRoundedBig(BigInt(entry) * BigInt(MEAN_UNIT), BigInt(units))),
  );
  return means.map((a) => means.map((b) => a.reduce((sum, entry, at) => sum + (entry - b[at]!) ** 2n, 0n)));
}

describe('distances of means', () => {
  it('are those of the definition, block by block and pair by pair', () => {
    const update = (length: number) =>
      fc.tuple(
        fc.array(fc.integer({ min: -255, max: 255 }), { minLength: length, maxLength: length }),
        fc.integer({ min: 1, max: 3_000 }),
      );
    const round = fc
      .integer({ min: 1, max: 40 })
      .chain((length) => fc.array(update(length), { maxLength: 6 }));
    fc.assert(
      fc.property(round, (drawn) => {
        const updates = drawn.map(([wire, units]) => updateOf(Int32Array.from(wire), units));
        expect(byBlocks(updates, createDifferences(updates.length)!)).toEqual(expected(updates));
        expect(byPairs(updates)).toEqual(expected(updates));
      }),
    );
  });

  it('go on over the border of a block, and leave nothing of one in the next', () => {
    const wires = [3, 5, 7].map((step) =>
      Int32Array.from({ length: 2 * BLOCK + 5 }, (_, at) => ((at * step) % 511) - 255),
    );
    const updates = wires.map((wire) => updateOf(wire, 1));
    expect(byBlocks(updates, createDifferences(3)!)).toEqual(expected(updates));
  });

  it('are exact where entries are largest, and beyond', () => {
    const most = Math.floor((2 ** 24 - 1) / MEAN_UNIT);
    for (const [entry, fits] of [
      [most, true],
      [most + 1, false],
      [2 ** 31 - 1, false],
    ] as const) {
      const updates = [1, -1].map((sign) => updateOf(new Int32Array(BLOCK).fill(sign * entry), 1));
      expect(byBlocks(updates, createDifferences(2)!) !== null).toBe(fits);
      expect(distancesOfMeans(updates)).toEqual(expected(updates));
    }
  });
});
