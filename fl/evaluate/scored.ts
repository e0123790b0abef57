import { strict as assert } from 'node:assert';

/**
 * Rows with a model's score and a label, sorted by score, ascending: what every measure here is computed from.
 * Weights are whole numbers, how often a row counts: a bootstrap replicate is the same rows with other weights.
 */
export interface Scored {
  /** [rows], logits; any order-preserving score will do for measures of ranking. */
  readonly scores: Float64Array;
  /** [rows], 0 or 1. */
  readonly labels: Uint8Array;
  /** [rows], 0, 1, 2, ... */
  readonly weights: Float64Array;
  /** [rows], where each row stood before sorting. */
  readonly order: Uint32Array;
}

/** Sorts. Scores must be finite and labels 0 or 1, as many; anything else is a bug. */
export function scoredRows(scores: ArrayLike<number>, labels: ArrayLike<number>): Scored {
  assert.equal(scores.length, labels.length, 'one label a score');
  const order = Uint32Array.from({ length: scores.length }, (_, row) => row).sort(
    (a, b) => scores[a]! - scores[b]! || a - b,
  );
  const sorted = {
    scores: Float64Array.from(order, (row) => scores[row]!),
    labels: Uint8Array.from(order, (row) => labels[row]!),
  };
  assert.ok(sorted.scores.every(Number.isFinite), 'scores are finite');
  assert.ok(
    Array.from(order).every((row) => labels[row] === 0 || labels[row] === 1),
    'labels are 0 or 1',
  );
  return { ...sorted, weights: new Float64Array(order.length).fill(1), order };
}

/** Rows of the same score, all positives and negatives among them. */
export interface Tie {
  readonly positives: number;
  readonly negatives: number;
}

/** The ties in ascending order of their score; those that weigh nothing are left out. */
export function tiesOf({ scores, labels, weights }: Scored): Tie[] {
  const ties: Tie[] = [];
  for (let start = 0; start < scores.length; ) {
    let [end, positives, negatives] = [start, 0, 0];
    for (; end < scores.length && scores[end] === scores[start]; end++) {
      if (labels[end] === 1) positives += weights[end]!;
      else negatives += weights[end]!;
    }
    if (positives + negatives > 0) ties.push({ positives, negatives });
    start = end;
  }
  return ties;
}

export function totalsOf(ties: readonly Tie[]): Tie {
  return ties.reduce(
    (sum, tie) => ({ positives: sum.positives + tie.positives, negatives: sum.negatives + tie.negatives }),
    { positives: 0, negatives: 0 },
  );
}
