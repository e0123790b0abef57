import { squaredNorm, type UnpackRefusal, unpackUpdate } from '../../fl/index.js';

/** What an update's bytes say for a model of that dimension: nothing else decides it. */
export interface UpdateMeasure {
  readonly dimension: number;
  readonly result:
    | { readonly ok: true; readonly squaredNorm: bigint }
    | { readonly ok: false; readonly reason: UnpackRefusal };
}

/** By the array itself, never by a name for it: other bytes are other arrays. */
const known = new WeakMap<Uint8Array, UpdateMeasure>();

/**
 * Unpacks an update and takes its squared norm, in wire units. The bytes must not be changed afterwards: the answer is
 * kept for as long as they are.
 *
 * Cost: some ns an entry the first time.
 */
export function measureUpdate(packed: Uint8Array, dimension: number): UpdateMeasure['result'] {
  const kept = known.get(packed);
  if (kept?.dimension === dimension) return kept.result;
  const unpacked = unpackUpdate(packed, dimension);
  const result = unpacked.ok ? ({ ok: true, squaredNorm: squaredNorm(unpacked.wire) } as const) : unpacked;
  known.set(packed, { dimension, result });
  return result;
}

/** What was measured of these bytes, or null. */
export function measureOf(packed: Uint8Array): UpdateMeasure | null {
  return known.get(packed) ?? null;
}

/** The same bytes were measured before, in another array: the caller vouches that they are the same. */
export function recallMeasure(packed: Uint8Array, measure: UpdateMeasure): void {
  known.set(packed, measure);
}
