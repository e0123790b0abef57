import { type Tie, totalsOf } from './scored.js';

/**
 * Area under the precision-recall curve as *average precision*: Σ (R_n - R_{n-1}) P_n over the thresholds from the
 * highest score down, rows of one score entering together; no interpolation, which would be optimistic. What
 * scikit-learn's average_precision_score computes. Null without positives; chance is the share of positives.
 * Source: Davis and Goadrich 2006 (why not to interpolate linearly).
 */
export function averagePrecision(ties: readonly Tie[]): number | null {
  const total = totalsOf(ties);
  if (total.positives === 0) return null;
  let [hits, taken, sum] = [0, 0, 0];
  for (let index = ties.length - 1; index >= 0; index--) {
    const { positives, negatives } = ties[index]!;
    hits += positives;
    taken += positives + negatives;
    sum += positives * (hits / taken);
  }
  return sum / total.positives;
}
