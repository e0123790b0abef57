import type { Estimate, NoisedCounts } from './noisedCounts.js';
import { Z95 } from './ratioInterval.js';

export interface HistogramCalibration {
  readonly slope: Estimate | null;
  readonly intercept: Estimate | null;
  /** The intercept with the slope held at 1. */
  readonly inTheLarge: Estimate | null;
}

const STEPS_MAX = 50;
const TOLERANCE = 1e-9;
/** Beyond it, in log-odds, a fit runs away or says nothing: too much noise, or one class alone. */
const RUNAWAY = 50;

/**
 * Calibration slope and intercept of noised counts: the likelihood's equations are linear in the counts, so noise shifts
 * neither side of them, and their variance is known. Intervals by the sandwich formula; null where no fit is found.
 *
 * logits: [bins], the model's log-odds in each bin's middle. Source: Huber 1967 (the sandwich); Cox 1958.
 */
export function histogramCalibration(
  positives: NoisedCounts,
  negatives: NoisedCounts,
  logits: readonly number[],
): HistogramCalibration {
  const line = solve(positives, negatives, logits, true);
  const large = solve(positives, negatives, logits, false);
  return {
    slope: line?.slope ?? null,
    intercept: line?.intercept ?? null,
    inTheLarge: large?.intercept ?? null,
  };
}

function solve(
  positives: NoisedCounts,
  negatives: NoisedCounts,
  logits: readonly number[],
  withSlope: boolean,
): { readonly intercept: Estimate | null; readonly slope: Estimate | null } | null {
  let [intercept, slope] = [0, 1];
  for (let step = 0; step < STEPS_MAX; step++) {
    const { g, h, v } = sums(positives, negatives, logits, intercept, slope, withSlope);
    const determinant = h[0] * h[2] - h[1] * h[1];
    if (!(h[0] > 0 && determinant > 0)) return null;
    const inverse = [h[2] / determinant, -h[1] / determinant, h[0] / determinant] as const;
    const by = [inverse[0] * g[0] + inverse[1] * g[1], inverse[1] * g[0] + inverse[2] * g[1]] as const;
    const size = Math.min(1, 1 / Math.max(Math.abs(by[0]), Math.abs(by[1])));
    intercept += size * by[0];
    slope += size * by[1];
    if (Math.abs(intercept) + Math.abs(slope) > RUNAWAY) return null;
    if (Math.abs(by[0]) + Math.abs(by[1]) > TOLERANCE) continue;
    // H⁻¹ V H⁻¹, both symmetric.
    const variance = (a: number, b: number): number => a * a * v[0] + 2 * a * b * v[1] + b * b * v[2];
    return {
      intercept: around(intercept, variance(inverse[0], inverse[1])),
      slope: around(slope, variance(inverse[1], inverse[2])),
    };
  }
  return null;
}

type Three = readonly [number, number, number];

/** Score g, information h and the score's variance v, as [11, 12, 22]; without slope the second row is that of 1. */
function sums(
  positives: NoisedCounts,
  negatives: NoisedCounts,
  logits: readonly number[],
  intercept: number,
  slope: number,
  withSlope: boolean,
): { readonly g: readonly [number, number]; readonly h: Three; readonly v: Three } {
  let [g0, g1, h0, h1, h2, v0, v1, v2] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (const [bin, x] of logits.entries()) {
    const p = 1 / (1 + Math.exp(-(intercept + slope * x)));
    const residual = positives.counts[bin]! * (1 - p) - negatives.counts[bin]! * p;
    const weight = (positives.counts[bin]! + negatives.counts[bin]!) * p * (1 - p);
    const variance = positives.variances[bin]! * (1 - p) ** 2 + negatives.variances[bin]! * p ** 2;
    g0 += residual;
    h0 += weight;
    v0 += variance;
    if (!withSlope) continue;
    g1 += residual * x;
    h1 += weight * x;
    h2 += weight * x * x;
    v1 += variance * x;
    v2 += variance * x * x;
  }
  return { g: [g0, g1], h: [h0, h1, withSlope ? h2 : 1], v: [v0, v1, v2] };
}

function around(value: number, variance: number): Estimate | null {
  const half = Z95 * Math.sqrt(variance);
  return half > RUNAWAY ? null : { value, low: value - half, high: value + half };
}
