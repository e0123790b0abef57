import { divideRounded, squaredDistance } from './integers.js';
import type { RoundUpdate } from './rule.js';

/** Means are taken in units of 2⁻¹⁶ of a wire step. */
export const MEAN_UNIT = 65_536;

/**
 * Squared distances between the mean updates u_k/N_k, [n][n], in units of 2⁻³² squared wire steps.
 *
 * The entries of a mean are rounded to units of 2⁻¹⁶ of a wire step, halves away from zero; everything after that
 * is exact. Cost: O(n² d).
 */
export function distancesOfMeans(updates: readonly RoundUpdate[]): bigint[][] {
  const means = updates.map(({ wire, units }) =>
    Float64Array.from(wire, (entry) => divideRounded(entry * MEAN_UNIT, units)),
  );
  const distances = means.map(() => new Array<bigint>(means.length).fill(0n));
  for (let a = 0; a < means.length; a++) {
    for (let b = 0; b < a; b++) {
      const distance = squaredDistance(means[a]!, means[b]!);
      distances[a]![b] = distance;
      distances[b]![a] = distance;
    }
  }
  return distances;
}
