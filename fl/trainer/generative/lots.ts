import type { RandomBytes } from '../../../crypto/index.js';
import { addNoise, fineStep, type Grid, roundToFine } from '../../index.js';
import type { Pass } from '../backpropagate.js';
import { addWeighted, clipFactors, sumUnit } from '../clip.js';
import { drawSample } from '../sample.js';

/** Records of one pass. A lot is filled up to a multiple, so that every pass has the same number of rows. */
export const PASS_ROWS = 64;

/** In a pass's row numbers: filling. */
export const NOBODY = -1;

/**
 * One step of DP-SGD: the records of a lot that is drawn by Poisson sampling, each one's gradient clipped to C, summed
 * exactly, and discrete Gaussian noise on the sum (`addNoise`).
 *
 * passOf: forward and backward of PASS_ROWS records by number; NOBODY is filling, whose gradients count for nothing.
 * Sensitivity: as gradientSum says, with one thing more. Who is drawn decides in which pass, and at which place of it, a
 *   record goes through; that its numbers don't depend on that is what a test looks at, to the bit.
 * The time tells how many were drawn: whoever may see that should not see the lots' clock.
 * Shape: [dimension of the grid], in real units. Cost: that of the lot's records, and 5 µs an entry for the noise.
 * Source: Abadi et al. 2016, arXiv:1607.00133, algorithm 1.
 */
export function noisedLot(
  { records, rate32, grid }: { readonly records: number; readonly rate32: number; readonly grid: Grid },
  passOf: (rows: Int32Array) => Pass,
  random: RandomBytes,
): Float64Array {
  const sample = drawSample(records, rate32, random);
  const drawn: number[] = [];
  for (let record = 0; record < records; record++)
    if (sample === null || sample[record] === 1) drawn.push(record);
  const sum = clippedSum(drawn, passOf, grid);
  return addNoise(roundToFine(sum, grid), grid, random).map((entry) => entry * fineStep(grid));
}

/** The exact sum of the records' clipped gradients, [dimension of the grid]; without noise it must stay where it is. */
export function clippedSum(
  records: readonly number[],
  passOf: (rows: Int32Array) => Pass,
  { dimension, clip16 }: Pick<Grid, 'dimension' | 'clip16'>,
): Float64Array {
  const unit = sumUnit(clip16);
  const sum = new Float64Array(dimension);
  for (let start = 0; start < records.length; start += PASS_ROWS) {
    const rows = new Int32Array(PASS_ROWS).fill(NOBODY);
    rows.set(records.slice(start, start + PASS_ROWS));
    const pass = passOf(rows);
    const { factors } = clipFactors(pass, clip16 / 65_536);
    addWeighted(
      pass,
      factors.map((factor, at) => (rows[at] === NOBODY ? 0 : factor)),
      unit,
      sum,
    );
  }
  return sum;
}

/** Rows by number, [rows][width]; filling is zeros. */
export function rowsOf(values: Float32Array, width: number, rows: Int32Array): Float32Array {
  const chosen = new Float32Array(rows.length * width);
  for (const [at, row] of rows.entries())
    if (row !== NOBODY) chosen.set(values.subarray(row * width, (row + 1) * width), at * width);
  return chosen;
}
