/**
 * What the tensor library lacks, as WebAssembly of our own in this thread: weighted sums of rows, of which per-example
 * gradients, the way back through a convolution, and exact sums of clipped gradients are made.
 *
 * All of it leaves out terms that are zero, and behind a maximum and a relu most slopes are. A caller lays out what it
 * needs, fills the views, calls; nothing is kept between calls.
 */
import { createMemory, instantiate, PAGE_BYTES } from '../../../wasm/index.js';
import { combineFloats, combineWholes } from './combine.js';
import { largest } from './largest.js';

/** Terms and shape of a call; addresses, strides and length in bytes (see combine.ts). */
export interface Combination {
  readonly count: number;
  readonly offsets: number;
  readonly values: number;
  readonly from: number;
  readonly fromStride: number;
  readonly to: number;
  readonly toStride: number;
  readonly runs: number;
  readonly length: number;
}

const memory = createMemory(1);
const kernels = instantiate<'combineFloats' | 'combineWholes' | 'largest'>(
  [combineFloats, combineWholes, largest],
  memory,
);

/** to += Σ values · from, float32. */
export function addCombination(combination: Combination): void {
  run(kernels.combineFloats, combination);
}

/** to = Σ trunc(values · from), float64: exact while the sums stay below 2^53. */
export function sumWholes(combination: Combination): void {
  run(kernels.combineWholes, combination);
}

/** The largest of each square of a record's image, and where it is: see largest.ts for shapes. */
export function takeLargest(squares: {
  readonly from: number;
  readonly values: number;
  readonly places: number;
  readonly lines: number;
  readonly columns: number;
  readonly size: number;
  readonly channels: number;
}): void {
  const { from, values, places, lines, columns, size, channels } = squares;
  kernels.largest(from, values, places, lines, columns, size, 4 * channels, 4 * channels * columns * size);
}

/** Without terms nothing is done, nor written. */
function run(kernel: (...params: readonly number[]) => void, combination: Combination): void {
  const { count, offsets, values, from, fromStride, to, toStride, runs, length } = combination;
  if (count === 0) return;
  kernel(count, offsets, values, from, fromStride, to, toStride, runs, length);
}

/** Views of the kernels' memory, one behind the other, until the next call: it may move them. */
export interface Layout {
  floats(count: number): Float32Array;
  doubles(count: number): Float64Array;
  whole(count: number): Uint32Array;
}

/** Room for so many bytes in all, each view rounded up to 16. What is there already stays as it is. */
export function layOut(bytes: number): Layout {
  const missing = Math.ceil((bytes - memory.buffer.byteLength) / PAGE_BYTES);
  if (missing > 0) memory.grow(missing);
  let at = 0;
  const take = (size: number): number => {
    const address = at;
    at += (size + 15) & -16;
    return address;
  };
  return {
    floats: (count) => new Float32Array(memory.buffer, take(4 * count), count),
    doubles: (count) => new Float64Array(memory.buffer, take(8 * count), count),
    whole: (count) => new Uint32Array(memory.buffer, take(4 * count), count),
  };
}
