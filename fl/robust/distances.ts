import { BLOCK, createDifferences, type Differences, ENTRY_MAX } from './differences.js';
import { divideRounded, squaredDistance } from './integers.js';
import type { RoundUpdate } from './rule.js';

/** Means are taken in units of 2⁻¹⁶ of a wire step. */
export const MEAN_UNIT = 65_536;

/**
 * Squared distances between the mean updates u_k/N_k, [n][n], in units of 2⁻³² squared wire steps.
 *
 * The entries of a mean are rounded to units of 2⁻¹⁶ of a wire step, halves away from zero; everything after that
 * is exact. Cost: O(n² d), 0.4 ns of each where entries are below 2²⁴.
 */
export function distancesOfMeans(updates: readonly RoundUpdate[]): bigint[][] {
  const differences = createDifferences(updates.length);
  return (differences === null ? null : byBlocks(updates, differences)) ?? byPairs(updates);
}

/** All pairs of a block before the next one. Null: an entry is too large for that. */
export function byBlocks(updates: readonly RoundUpdate[], differences: Differences): bigint[][] | null {
  const distances = updates.map(() => updates.map(() => 0n));
  const dimension = updates[0]?.wire.length ?? 0;
  for (let start = 0; start < dimension; start += BLOCK) {
    for (const [vector, { wire, units }] of updates.entries()) {
      const block = differences.block(vector);
      const end = Math.min(BLOCK, dimension - start);
      let most = 0;
      for (let at = 0; at < end; at++) {
        const mean = divideRounded(wire[start + at]! * MEAN_UNIT, units);
        most = Math.max(most, Math.abs(mean));
        block[at] = mean;
      }
      if (most > ENTRY_MAX) return null;
      block.fill(0, end);
    }
    for (let a = 0; a < updates.length; a++)
      for (let b = 0; b < a; b++) distances[a]![b]! += differences.squared(a, b);
  }
  return mirrored(distances);
}

/** Whatever the entries are. */
export function byPairs(updates: readonly RoundUpdate[]): bigint[][] {
  const means = updates.map(({ wire, units }) =>
    Float64Array.from(wire, (entry) => divideRounded(entry * MEAN_UNIT, units)),
  );
  const distances = means.map(() => means.map(() => 0n));
  for (let a = 0; a < means.length; a++)
    for (let b = 0; b < a; b++) distances[a]![b] = squaredDistance(means[a]!, means[b]!);
  return mirrored(distances);
}

/** From the part below the diagonal. */
function mirrored(distances: bigint[][]): bigint[][] {
  for (let a = 0; a < distances.length; a++) for (let b = 0; b < a; b++) distances[b]![a] = distances[a]![b]!;
  return distances;
}
