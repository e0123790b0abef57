import { type Tie, totalsOf } from './scored.js';

/**
 * Area under the ROC curve: the share of (positive, negative) pairs in the right order, ties counted half. Exact:
 * counts of pairs and one division. Null if a class is absent. Source: Mann and Whitney 1947; Hanley and McNeil 1982.
 */
export function auroc(ties: readonly Tie[]): number | null {
  const total = totalsOf(ties);
  if (total.positives === 0 || total.negatives === 0) return null;
  let [below, halves] = [0, 0];
  for (const { positives, negatives } of ties) {
    halves += positives * (2 * below + negatives);
    below += negatives;
  }
  return halves / (2 * total.positives * total.negatives);
}
