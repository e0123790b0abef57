import { distancesOfMeans, MEAN_UNIT } from './distances.js';
import { clampToSafe } from './integers.js';
import { type Judgement, type RoundUpdate, withCap } from './rule.js';

/**
 * Multi-Krum, as in the seed paper: keeps the n - f updates whose nearest neighbours are nearest.
 *
 * f_t = min(f - already blacklisted, ⌊(n - 3) / 2⌋), at least 0; f_t = 0 accepts all. n counts the updates within
 *   the norm cap.
 * Score: sum of the squared distances from the device's mean update u_k/N_k to those of its n - f_t - 2 nearest
 *   others (itself left out by index, so equal updates stay neighbours), in squared wire steps. The entries of a
 *   mean are rounded to units of 2⁻¹⁶ of a wire step, halves away from zero; everything after that is exact.
 * Ties: the smaller payload hash wins.
 * Refuses by rank: someone is refused in every round, even among the honest, so it never costs reputation.
 * Cost: O(n² d).
 * Source: Blanchard et al. 2017 (NeurIPS), section 4.
 */
export const multiKrum = withCap({
  name: 'multi-krum',
  absolute: false,
  remembers: false,
  judge: (updates, accumulator, context) => {
    const faulty = Math.min(context.faulty - context.blacklisted, Math.floor((updates.length - 3) / 2));
    return { judgements: rank(updates, Math.max(0, faulty)), accumulator };
  },
});

function rank(updates: readonly RoundUpdate[], faulty: number): Judgement[] {
  const scores = krumScores(updates, updates.length - faulty - 2);
  const order = [...updates.keys()].sort((a, b) => {
    if (scores[a] !== scores[b]) return scores[a]! < scores[b]! ? -1 : 1;
    return updates[a]!.hash < updates[b]!.hash ? -1 : updates[a]!.hash > updates[b]!.hash ? 1 : a - b;
  });
  const refused = new Set(order.slice(updates.length - faulty));
  return scores.map((score, index) => ({
    reason: refused.has(index) ? 'rank' : null,
    score16: clampToSafe(score / BigInt(MEAN_UNIT)),
  }));
}

/** For each update the sum of squared distances to its `neighbours` nearest others, in units of 2⁻³² squared steps. */
function krumScores(updates: readonly RoundUpdate[], neighbours: number): bigint[] {
  const distances = distancesOfMeans(updates);
  return distances.map((row, self) =>
    row
      .filter((_, other) => other !== self)
      .sort((x, y) => (x < y ? -1 : x > y ? 1 : 0))
      .slice(0, Math.max(0, neighbours))
      .reduce((sum, distance) => sum + distance, 0n),
  );
}
