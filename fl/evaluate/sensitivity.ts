import { type Tie, totalsOf } from './scored.js';

/**
 * The largest sensitivity among the thresholds whose specificity is at least the one that is asked for: a point of
 * the empirical ROC curve, no interpolation. A row is called positive if its score reaches the threshold. Null if a
 * class is absent.
 */
export function sensitivityAt(ties: readonly Tie[], specificity: number): number | null {
  const total = totalsOf(ties);
  if (total.positives === 0 || total.negatives === 0) return null;
  let [hits, alarms, best] = [0, 0, 0];
  for (let index = ties.length - 1; index >= 0; index--) {
    hits += ties[index]!.positives;
    alarms += ties[index]!.negatives;
    // As a comparison of counts, so that 0.9 of 10 negatives means one false alarm.
    if (alarms > (1 - specificity) * total.negatives + 1e-9) break;
    best = hits / total.positives;
  }
  return best;
}
