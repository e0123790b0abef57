import { powerOfTwo } from '../index.js';
import type { Pass } from './backpropagate.js';
import { layOut, sumWholes } from './kernels/index.js';
import { type GradientPart, NO_PLACE } from './layers/index.js';

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
 * Adds factor·gradient of every record to sum, each contribution cut to whole units: Aᵀ diag(c) D for each layer.
 *
 * factors: [rows]. sum: [parameters], flat order, multiples of `unit` in and out; `unit` is a power of two.
 * Cost: rows x parameters multiplications, float64, less where inputs are zero.
 */
export function addWeighted(pass: Pass, factors: ArrayLike<number>, unit: number, sum: Float64Array): void {
  const scaled = Float64Array.from({ length: pass.rows }, (_, row) => factors[row]! / unit);
  for (const part of pass.parts) {
    if (part.kind === 'outer') addOuter(part, scaled, unit, sum);
    else addRows(part, scaled, unit, sum);
  }
}

/** The same for one row, in whole units: nothing is multiplied by `unit` at the end. */
export function addRow({ parts }: Pass, row: number, factor: number, unit: number, sum: Float64Array): void {
  const scaled = factor / unit;
  for (const part of parts) {
    if (part.kind === 'rows') {
      const { offset, width, places, g } = part;
      for (let at = 0; at < width; at++) {
        const place = places === null ? at : places[at]!;
        if (place !== NO_PLACE) sum[offset + place]! += Math.trunc(scaled * g[row * width + at]!);
      }
      continue;
    }
    const { offset, inputs, units, a, d } = part;
    let target = offset;
    for (let input = 0; input <= inputs; input++) {
      const value = scaled * (input < inputs ? a[row * inputs + input]! : 1);
      for (let at = 0; at < units; at++) sum[target++]! += Math.trunc(value * d[row * units + at]!);
    }
  }
}

function addRows(
  { offset, width, places, g }: PartOf<'rows'>,
  factors: Float64Array,
  unit: number,
  sum: Float64Array,
): void {
  const total = new Float64Array(width);
  for (const [row, factor] of factors.entries()) {
    if (factor === 0) continue;
    const own = g.subarray(row * width, (row + 1) * width);
    for (let at = 0; at < width; at++) total[at]! += Math.trunc(factor * own[at]!);
  }
  for (let at = 0; at < width; at++) {
    const place = places === null ? at : places[at]!;
    if (place !== NO_PLACE) sum[offset + place]! += total[at]! * unit;
  }
}

/** Input by input, so that all records' contributions to a row of the kernel meet in registers. */
function addOuter(
  { offset, inputs, units, a, d }: PartOf<'outer'>,
  factors: Float64Array,
  unit: number,
  sum: Float64Array,
): void {
  const rows = factors.length;
  const width = (units + 1) & -2; // whole vectors
  const layout = layOut(8 * (rows * width + width + rows) + 4 * rows + 4 * 16);
  const slopes = layout.doubles(rows * width);
  const total = layout.doubles(width);
  const values = layout.doubles(rows);
  const offsets = layout.whole(rows);
  for (let row = 0; row < rows; row++) {
    slopes[row * width + width - 1] = 0;
    slopes.set(d.subarray(row * units, (row + 1) * units), row * width);
  }
  for (let input = 0; input <= inputs; input++) {
    let count = 0;
    for (let row = 0; row < rows; row++) {
      if (factors[row] === 0) continue;
      const value = factors[row]! * (input < inputs ? a[row * inputs + input]! : 1);
      if (value === 0) continue;
      offsets[count] = 8 * row * width;
      values[count++] = value;
    }
    if (count === 0) continue;
    sumWholes({
      count,
      offsets: offsets.byteOffset,
      values: values.byteOffset,
      from: slopes.byteOffset,
      fromStride: 0,
      to: total.byteOffset,
      toStride: 0,
      runs: 1,
      length: 8 * width,
    });
    const target = offset + input * units;
    for (let at = 0; at < units; at++) sum[target + at]! += total[at]! * unit;
  }
}

type PartOf<K> = Extract<GradientPart, { kind: K }>;

function squaredLength(part: GradientPart, row: number): number {
  if (part.kind === 'rows') return squaredNorm(part.g, row * part.width, part.width);
  const { inputs, units, a, d } = part;
  return (squaredNorm(a, row * inputs, inputs) + 1) * squaredNorm(d, row * units, units);
}

/** In float64, four sums side by side: a processor adds one number to one sum in the time of four to four. */
function squaredNorm(values: Float32Array, start: number, length: number): number {
  let [first, second, third, fourth] = [0, 0, 0, 0];
  const end = start + length;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    first += values[at]! * values[at]!;
    second += values[at + 1]! * values[at + 1]!;
    third += values[at + 2]! * values[at + 2]!;
    fourth += values[at + 3]! * values[at + 3]!;
  }
  for (; at < end; at++) first += values[at]! * values[at]!;
  return first + second + (third + fourth);
}
