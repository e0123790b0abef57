import { auroc } from './auroc.js';
import { averagePrecision } from './averagePrecision.js';
import { type Calibration, calibrate } from './calibration.js';
import { type Scored, tiesOf } from './scored.js';
import { sensitivityAt } from './sensitivity.js';

/** The measures that a report has, in its order. */
export const measureNames = [
  'auroc',
  'auprc',
  'brier',
  'accuracy',
  'sensitivity',
  'slope',
  'intercept',
  'inTheLarge',
] as const;
export type MeasureName = (typeof measureNames)[number];

/** Null: not defined for these rows (a class is absent, or calibration has no maximum). */
export type Measures = Readonly<Record<MeasureName, number | null>>;

export interface Measured {
  readonly rows: number;
  readonly positives: number;
  readonly measures: Measures;
  /** Why there is no slope; null if there is. */
  readonly uncalibrated: (Calibration & { readonly ok: false })['reason'] | null;
}

/**
 * All measures of rows whose scores are logits. `brier` is the mean of (probability - label)², `accuracy` the share
 * on the right side of 1/2, `sensitivity` at the given specificity. Cost: a few passes.
 */
export function measure(rows: Scored, specificity: number): Measured {
  const { scores, labels, weights } = rows;
  let [count, positives, squares, right] = [0, 0, 0, 0];
  for (let row = 0; row < scores.length; row++) {
    const [weight, label] = [weights[row]!, labels[row]!];
    const probability = 1 / (1 + Math.exp(-scores[row]!));
    count += weight;
    positives += weight * label;
    squares += weight * (probability - label) ** 2;
    if (scores[row]! >= 0 === (label === 1)) right += weight;
  }
  const ties = tiesOf(rows);
  const calibration = calibrate(rows);
  const share = (sum: number): number | null => (count === 0 ? null : sum / count);
  const measures: Measures = {
    auroc: auroc(ties),
    auprc: averagePrecision(ties),
    brier: share(squares),
    accuracy: share(right),
    sensitivity: sensitivityAt(ties, specificity),
    slope: calibration.ok ? calibration.slope : null,
    intercept: calibration.ok ? calibration.intercept : null,
    inTheLarge: calibration.ok ? calibration.inTheLarge : null,
  };
  return { rows: count, positives, measures, uncalibrated: calibration.ok ? null : calibration.reason };
}
