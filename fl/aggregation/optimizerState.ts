import { strict as assert } from 'node:assert';
import { concatBytes } from '../../crypto/index.js';

/** What a task keeps between rounds beside its model. */
export interface OptimizerState {
  /** The last aggregated update, per unit in real units, rounded to float32; null where no rule needs it. */
  readonly direction: Float32Array | null;
  /** The moments of the server's step. */
  readonly moments: readonly Float32Array[];
}

const VERSION = 1;
const HEADER_BYTES = 6;

/** Bytes of the state with so many vectors of dimension d. */
export function optimizerBytes(vectors: number, dimension: number): number {
  return HEADER_BYTES + 4 * vectors * dimension;
}

/**
 * Canonical bytes: u8 version 1, u8 flags (bit 0: with a direction; the number of moments above it), u32 dimension
 * big-endian, then the vectors as little-endian float32, the direction first. Null: there is nothing to keep.
 */
export function encodeOptimizer({ direction, moments }: OptimizerState): Uint8Array | null {
  const vectors = direction === null ? moments : [direction, ...moments];
  if (vectors.length === 0) return null;
  const dimension = vectors[0]!.length;
  const head = new DataView(new ArrayBuffer(HEADER_BYTES));
  head.setUint8(0, VERSION);
  head.setUint8(1, (direction === null ? 0 : 1) | (moments.length << 1));
  head.setUint32(2, dimension);
  return concatBytes(new Uint8Array(head.buffer), ...vectors.map((vector) => floatBytes(vector, dimension)));
}

/**
 * Inverse of `encodeOptimizer`. The bytes come by a hash in state: whatever `encodeOptimizer` would not write for
 * this dimension is a bug and asserts.
 */
export function decodeOptimizer(bytes: Uint8Array, dimension: number): OptimizerState {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  assert.ok(
    bytes.length > HEADER_BYTES && view.getUint8(0) === VERSION,
    'a known version of the optimizer state',
  );
  assert.equal(view.getUint32(2), dimension, 'the optimizer state is of this task');
  const flags = view.getUint8(1);
  const count = (flags & 1) + (flags >> 1);
  assert.equal(bytes.length, optimizerBytes(count, dimension), 'the optimizer state has its whole length');
  const vectors = Array.from({ length: count }, (_, vector) =>
    Float32Array.from({ length: dimension }, (_, index) =>
      view.getFloat32(HEADER_BYTES + 4 * (vector * dimension + index), true),
    ),
  );
  assert.ok(
    vectors.every((vector) => vector.every(Number.isFinite)),
    'an optimizer state is finite',
  );
  return flags & 1
    ? { direction: vectors[0]!, moments: vectors.slice(1) }
    : { direction: null, moments: vectors };
}

function floatBytes(vector: Float32Array, dimension: number): Uint8Array {
  assert.equal(vector.length, dimension, 'vectors of one length');
  const view = new DataView(new ArrayBuffer(4 * dimension));
  for (let index = 0; index < dimension; index++) {
    assert.ok(Number.isFinite(vector[index]), 'an optimizer state is finite');
    view.setFloat32(4 * index, vector[index]!, true);
  }
  return new Uint8Array(view.buffer);
}
