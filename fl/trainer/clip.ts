import { powerOfTwo } from '../index.js';
import type { Pass } from './backpropagate.js';
import type { GradientPart } from './layers/index.js';

/** Bits that a sum has below its clip bound: a contribution is a whole number under 2^38 of sum units. */
const FRACTION_BITS = 38;

/** Room for rounding between the norm as computed and the norm as it is, see clipFactors. */
export const CLIP_SAFETY = 1 - 2 ** -30;

/**
 * The factor by which each record's gradient is multiplied so that its length is at most the bound.
 *
 * "Ghost" norms: of a dense layer, one record's gradient is the outer product of its input a (with a 1 for the
 * bias) and its delta d, so its squared length is (|a|² + 1)·|d|², and no gradient is built. Other layers' are built.
 * Computed in float64 from the float32 values that are summed later: with at most 2^21 terms, each rounded by
 * 2^-53, the norm is right to 2^-31, products and quotient add 2^-50, so a bound of C·(1 - 2^-30) in float64
 * is a bound of C in real numbers.
 * A record whose norm is not finite (the model has diverged on it) gets factor 0: dropping it is a bounded
 * contribution too, while an error would tell the world about this one record.
 * Source: Goodfellow 2015, arXiv:1510.01799; Li et al. 2022, arXiv:2110.05679.
 */
export function clipFactors(
  { rows, parts }: Pass,
  bound: number,
): { factors: Float64Array; clipped: number } {
  const factors = new Float64Array(rows);
  let clipped = 0;
  for (let row = 0; row < rows; row++) {
    let squared = 0;
    for (const part of parts) squared += squaredLength(part, row);
    const norm = Math.sqrt(squared);
    const limit = bound * CLIP_SAFETY;
    factors[row] = norm <= limit ? 1 : Number.isFinite(norm) ? limit / norm : 0;
    if (factors[row] !== 1) clipped++;
  }
  return { factors, clipped };
}

/**
 * Size of the unit in which clipped gradients are summed: a power of two near bound·2^-38.
 *
 * Float addition rounds, and how it rounds depends on every record before: one record more or less could move
 * a plain float sum by more than C. So each contribution is cut to whole units, toward zero (which never makes
 * it longer), and whole numbers below 2^53 add up exactly: up to 2^14 records of less than 2^38 units each.
 * clip16: the bound in units of 2^-16, from 1 to 2^31 - 1.
 * Source: Casacuberta et al. 2022, arXiv:2207.10635 (sums whose real sensitivity exceeds the one on paper).
 */
export function sumUnit(clip16: number): number {
  const bitsAbovePoint = 32 - Math.clz32(clip16) - 16;
  return powerOfTwo(bitsAbovePoint - FRACTION_BITS);
}

/**
 * Adds factor·gradient of every record to sum, in whole units: Aᵀ diag(c) D for each layer.
 *
 * factors: [rows]. sum: [parameters], flat order, whole numbers in, whole numbers out; multiply by unit when all is added.
 * Cost: rows x parameters multiplications, float64, no allocation.
 */
export function addWeighted(pass: Pass, factors: ArrayLike<number>, unit: number, sum: Float64Array): void {
  for (const part of pass.parts) {
    for (let row = 0; row < pass.rows; row++)
      if (factors[row] !== 0) addRecord(part, row, factors[row]! / unit, sum);
  }
}

/** The same for one row. */
export function addRow({ parts }: Pass, row: number, factor: number, unit: number, sum: Float64Array): void {
  for (const part of parts) addRecord(part, row, factor / unit, sum);
}

function addRecord(part: GradientPart, row: number, factor: number, sum: Float64Array): void {
  let target = part.offset;
  if (part.kind === 'rows') {
    const { parameters, g } = part;
    for (let at = row * parameters; at < (row + 1) * parameters; at++)
      sum[target++]! += Math.trunc(factor * g[at]!);
    return;
  }
  const { inputs, units, a, d } = part;
  for (let input = 0; input <= inputs; input++) {
    const scaled = factor * (input < inputs ? a[row * inputs + input]! : 1);
    if (scaled === 0) target += units;
    else
      for (let unit = 0; unit < units; unit++) sum[target++]! += Math.trunc(scaled * d[row * units + unit]!);
  }
}

function squaredLength(part: GradientPart, row: number): number {
  if (part.kind === 'rows') return squaredNorm(part.g, row * part.parameters, part.parameters);
  const { inputs, units, a, d } = part;
  return (squaredNorm(a, row * inputs, inputs) + 1) * squaredNorm(d, row * units, units);
}

function squaredNorm(values: Float32Array, start: number, length: number): number {
  let sum = 0;
  for (let index = start; index < start + length; index++) sum += values[index]! * values[index]!;
  return sum;
}
