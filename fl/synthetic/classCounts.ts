import type { RandomBytes } from '../../crypto/index.js';
import { noisedSum } from './noisedSum.js';

/**
 * How many records each class has, noised: one record moves one count by 1. Counts below 1 are told as 1, so that no
 * class is lost and whoever divides by them may.
 *
 * Shape: [classes]. σ in 2^-16.
 */
export function noisedClassCounts(
  y: Float32Array,
  classes: number,
  sigma16: number,
  random: RandomBytes,
): Float64Array {
  const params = { dimension: classes, sigma16, records: y.length };
  return noisedSum(params, (record, put) => put(y[record]!, 1), random).map((count) => Math.max(1, count));
}

/** Labels drawn with the counts' proportions, [rows]. */
export function drawLabels(rows: number, counts: Float64Array, random: RandomBytes): Float32Array {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const bytes = random(4 * rows);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: rows }, (_, row) => {
    let left = (view.getUint32(4 * row) / 2 ** 32) * total;
    let label = 0;
    while (label < counts.length - 1 && left >= counts[label]!) left -= counts[label++]!;
    return label;
  });
}
