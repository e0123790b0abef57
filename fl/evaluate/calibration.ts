import type { Scored } from './scored.js';

/** Logistic recalibration of a model: log-odds of the outcome = intercept + slope · the model's log-odds. */
export type Calibration =
  | {
      readonly ok: true;
      /** 1 is right; below it the model is too sure of itself (overfit), above it not sure enough. */
      readonly slope: number;
      /** Of the same fit. */
      readonly intercept: number;
      /** The intercept with the slope held at 1: above 0 the outcome is more frequent than predicted. */
      readonly inTheLarge: number;
    }
  | { readonly ok: false; readonly reason: 'one-class' | 'separated' | 'not-converged' };

const STEPS_MAX = 100;
const TOLERANCE = 1e-10;
/** e to the power of it is infinite. */
const EXP_MAX = 750;
/** Of a span of some thousands: below a double's last digit. */
const HALVINGS = 64;

/**
 * Calibration slope and intercept by maximum likelihood (Newton's method, which is IRLS here; steps are halved
 * until the likelihood does not fall).
 *
 * Where the classes are separated by the score (no negative above the lowest positive, or the other way round; a
 * score that never varies too) the likelihood has no maximum at finite values: "separated", no number is made up.
 * With one class only: "one-class".
 * Cost: O(rows) a step, 5 to 10 steps. Source: Cox 1958; Van Calster et al. 2019, doi:10.1186/s12916-019-1466-7;
 * Albert and Anderson 1984 (when the maximum exists).
 */
export function calibrate(rows: Scored): Calibration {
  const { scores, labels, weights } = rows;
  const ends = [Number.NaN, Number.NaN, Number.NaN, Number.NaN]; // lowest and highest negative, then positive
  for (let row = 0; row < scores.length; row++) {
    if (weights[row] === 0) continue;
    const at = 2 * labels[row]!;
    if (Number.isNaN(ends[at]!)) ends[at] = scores[row]!;
    ends[at + 1] = scores[row]!;
  }
  if (ends.some(Number.isNaN)) return { ok: false, reason: 'one-class' };
  const [lowNegative, highNegative, lowPositive, highPositive] = ends as [number, number, number, number];
  const inTheLarge = fitIntercept(rows);
  if (!(lowPositive < highNegative && lowNegative < highPositive)) return { ok: false, reason: 'separated' };
  const fitted = fitLine(rows);
  if (fitted === null || inTheLarge === null) return { ok: false, reason: 'not-converged' };
  return { ok: true, ...fitted, inTheLarge };
}

/** Maximum likelihood of (intercept, slope), on centred scores, which the matrix is better behaved for. */
function fitLine(rows: Scored): { readonly slope: number; readonly intercept: number } | null {
  const { scores, weights } = rows;
  const count = weights.reduce((sum, weight) => sum + weight, 0);
  const mean = scores.reduce((sum, score, row) => sum + weights[row]! * score, 0) / count;
  const spread = Math.sqrt(
    scores.reduce((sum, score, row) => sum + weights[row]! * (score - mean) ** 2, 0) / count,
  );
  let [intercept, slope] = [0, 0];
  let loss = lossOf(rows, mean, spread, intercept, slope);
  for (let step = 0; step < STEPS_MAX; step++) {
    const { g0, g1, h00, h01, h11 } = derivatives(rows, mean, spread, intercept, slope);
    const determinant = h00 * h11 - h01 * h01;
    if (!(determinant > 0)) return null;
    const by0 = (h11 * g0 - h01 * g1) / determinant;
    const by1 = (h00 * g1 - h01 * g0) / determinant;
    if (Math.abs(by0) + Math.abs(by1) < TOLERANCE)
      return { slope: slope / spread, intercept: intercept - (slope * mean) / spread };
    let size = 1;
    let next = lossOf(rows, mean, spread, intercept + by0, slope + by1);
    for (; next > loss + 1e-12 * Math.abs(loss) && size > 1e-9; size /= 2)
      next = lossOf(rows, mean, spread, intercept + (by0 * size) / 2, slope + (by1 * size) / 2);
    [intercept, slope, loss] = [intercept + by0 * size, slope + by1 * size, next];
  }
  return null;
}

function derivatives(
  { scores, labels, weights }: Scored,
  mean: number,
  spread: number,
  intercept: number,
  slope: number,
): {
  readonly g0: number;
  readonly g1: number;
  readonly h00: number;
  readonly h01: number;
  readonly h11: number;
} {
  let [g0, g1, h00, h01, h11] = [0, 0, 0, 0, 0];
  for (let row = 0; row < scores.length; row++) {
    const z = (scores[row]! - mean) / spread;
    const p = 1 / (1 + Math.exp(-(intercept + slope * z)));
    const residual = weights[row]! * (labels[row]! - p);
    const curvature = weights[row]! * p * (1 - p);
    g0 += residual;
    g1 += residual * z;
    h00 += curvature;
    h01 += curvature * z;
    h11 += curvature * z * z;
  }
  return { g0, g1, h00, h01, h11 };
}

function lossOf(
  { scores, labels, weights }: Scored,
  mean: number,
  spread: number,
  intercept: number,
  slope: number,
): number {
  let loss = 0;
  for (let row = 0; row < scores.length; row++)
    loss += weights[row]! * crossEntropy(intercept + (slope * (scores[row]! - mean)) / spread, labels[row]!);
  return loss;
}

/** -log of the probability of the label at this logit, without overflow. In nats. */
export function crossEntropy(logit: number, label: number): number {
  const margin = label === 1 ? logit : -logit;
  return Math.max(0, -margin) + Math.log1p(Math.exp(-Math.abs(margin)));
}

/**
 * The shift of all logits that makes the mean probability the share of positives: the maximum likelihood of an
 * intercept with the slope held at 1. Null with one class only.
 */
export function fitIntercept({ scores, labels, weights }: Scored): number | null {
  const count = weights.reduce((sum, weight) => sum + weight, 0);
  const positives = labels.reduce((sum, label, row) => sum + label * weights[row]!, 0);
  if (positives === 0 || positives === count) return null;
  const excess = (shift: number): number => {
    let sum = -positives;
    for (let row = 0; row < scores.length; row++)
      sum += weights[row]! / (1 + Math.exp(-(scores[row]! + shift)));
    return sum;
  };
  // Rising with the shift, and at these ends every probability is 0 or 1: bisection needs no care.
  let low = -scores.reduce((most, score) => Math.max(most, score), 0) - EXP_MAX;
  let high = -scores.reduce((least, score) => Math.min(least, score), 0) + EXP_MAX;
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (low + high) / 2;
    if (excess(middle) > 0) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}
