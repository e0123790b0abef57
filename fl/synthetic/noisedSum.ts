import type { RandomBytes } from '../../crypto/index.js';
import { createGrid, fineStep, powerOfTwo } from '../grid/grid.js';
import { addNoise, roundToFine } from '../grid/round.js';

/** Contributions are cut to multiples of this, toward zero, so that they add up exactly and none grows. */
const UNIT = powerOfTwo(-38);

/** Room for the rounding of a norm in float64, as the trainer's clipping leaves it. */
const SAFETY = 1 - 2 ** -30;

/** Sets an entry of a record's vector. */
export type Put = (at: number, value: number) => void;

/**
 * The sum of the records' vectors, of which one record's is at most 1 long, and discrete Gaussian noise on it:
 * (1/(2σ²))-zCDP of one record, in exact arithmetic (fl/grid/round.ts).
 *
 * vectorOf: tells the entries of a record’s vector that are not 0, by `put(at, value)`.
 * Shape: [dimension]. σ in 2^-16. Records: up to 2^14, see SYNTHETIC_ROWS_MAX.
 */
export function noisedSum(
  { dimension, sigma16, records }: { dimension: number; sigma16: number; records: number },
  vectorOf: (record: number, put: Put) => void,
  random: RandomBytes,
): Float64Array {
  const sum = new Float64Array(dimension);
  const put: Put = (at, value) => {
    sum[at]! += Math.trunc((value * SAFETY) / UNIT);
  };
  for (let record = 0; record < records; record++) vectorOf(record, put);
  const grid = createGrid({ dimension, clip16: 65_536, sigma16 });
  const inUnits = sum.map((entry) => entry * UNIT);
  return addNoise(roundToFine(inUnits, grid), grid, random).map((entry) => entry * fineStep(grid));
}

/** The vectors of length 1 at most that stand for the records: each one scaled down if it is longer than `radius`. */
export function intoUnitBall(x: Float32Array, width: number, radius: number): Float64Array {
  const unit = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += width) {
    let squared = 0;
    for (let at = start; at < start + width; at++) squared += x[at]! * x[at]!;
    const factor = 1 / Math.max(radius, Math.sqrt(squared));
    for (let at = start; at < start + width; at++) unit[at] = x[at]! * factor;
  }
  return unit;
}
