import { type DecodedUpdate, decodeUpdate, type Grid, squaredNorm } from '../../fl/index.js';

/** What an update's bytes say on a grid of that dimension, with or without noise and count: nothing else decides it. */
export interface UpdateMeasure {
  readonly dimension: number;
  readonly noised: boolean;
  readonly counted: boolean;
  readonly result:
    | { readonly ok: true; readonly squaredNorm: bigint; readonly signedCount: number | null }
    | Extract<DecodedUpdate, { ok: false }>;
}

/** By the array itself, never by a name for it: other bytes are other arrays. */
const known = new WeakMap<Uint8Array, UpdateMeasure>();

/**
 * Decodes an update and takes its squared norm, in wire units. The bytes must not be changed afterwards: the answer is
 * kept for as long as they are.
 *
 * Cost: some ns an entry the first time.
 */
export function measureUpdate(packed: Uint8Array, grid: Grid): UpdateMeasure['result'] {
  const kept = known.get(packed);
  const { dimension } = grid;
  const [noised, counted] = [grid.sigma16 > 0, grid.countSigma16 !== null];
  if (kept?.dimension === dimension && kept.noised === noised && kept.counted === counted) return kept.result;
  const unpacked = decodeUpdate(packed, grid);
  const result = unpacked.ok
    ? ({ ok: true, squaredNorm: squaredNorm(unpacked.wire), signedCount: unpacked.signedCount } as const)
    : unpacked;
  known.set(packed, { dimension, noised, counted, result });
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
