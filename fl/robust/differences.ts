import {
  createMemory,
  type Func,
  get,
  i32,
  i32x4,
  i64x2,
  instantiate,
  PAGE_BYTES,
  repeat,
  set,
  several,
  v128,
} from '../../wasm/index.js';

/** Entries of a block: those of some tens of vectors stay near the processor while all their pairs are taken. */
export const BLOCK = 8_192;
/** Of an entry: differences are below 2²⁵ then, and 2¹³ of their squares below 2⁶³. */
export const ENTRY_MAX = 2 ** 24 - 1;

const BLOCK_BYTES = 4 * BLOCK;
const VECTOR_BYTES = 16;

const [FIRST, SECOND, VECTORS, TO] = [0, 1, 2, 3];
const [DIFFERENCE, LOW, HIGH] = [4, 5, 6];

/** Σ (first − second)² of so many vectors of four entries, as two numbers of 64 bits at `to`. */
const squares: Func<'squares'> = {
  name: 'squares',
  params: several(4, 'i32'),
  locals: several(3, 'v128'),
  body: [
    repeat(VECTORS, [
      set(DIFFERENCE, i32x4.sub(v128.load(get(FIRST)), v128.load(get(SECOND)))),
      set(LOW, i64x2.add(get(LOW), i64x2.squaresLow(get(DIFFERENCE)))),
      set(HIGH, i64x2.add(get(HIGH), i64x2.squaresHigh(get(DIFFERENCE)))),
      set(FIRST, i32.add(get(FIRST), i32.const(VECTOR_BYTES))),
      set(SECOND, i32.add(get(SECOND), i32.const(VECTOR_BYTES))),
    ]),
    v128.store(get(TO), 0, i64x2.add(get(LOW), get(HIGH))),
  ],
};

/** A block of so many vectors at once, in memory of its own. */
export interface Differences {
  /** To be filled: BLOCK whole numbers of at most ENTRY_MAX in magnitude, zeros behind the last. */
  block(vector: number): Int32Array;
  /** ‖a − b‖² of two filled blocks, exact. Cost: 0.4 ns an entry. */
  squared(a: number, b: number): bigint;
}

/** Null where there is no WebAssembly with vectors. Memory: 32 KiB a vector. */
export function createDifferences(vectors: number): Differences | null {
  try {
    const memory = createMemory(1 + Math.ceil((vectors * BLOCK_BYTES) / PAGE_BYTES));
    const kernel = instantiate([squares], memory);
    const sums = new BigInt64Array(memory.buffer, 0, 2);
    const at = (vector: number): number => PAGE_BYTES + vector * BLOCK_BYTES;
    return {
      block: (vector) => new Int32Array(memory.buffer, at(vector), BLOCK),
      squared: (a, b) => {
        kernel.squares(at(a), at(b), BLOCK / 4, 0);
        return sums[0]! + sums[1]!;
      },
    };
  } catch {
    return null;
  }
}
