import { packUpdate, type UnpackRefusal, unpackUpdate } from './codec.js';
import { decodeEntropy, type EntropyRefusal, encodeEntropy } from './entropy.js';
import type { Grid } from './grid.js';

export type DecodedUpdate =
  | { readonly ok: true; readonly wire: Int32Array }
  | { readonly ok: false; readonly reason: UnpackRefusal | EntropyRefusal };

/**
 * The payload of an update on this grid: entropy-coded where there is noise, since noise is what a coder knows the
 * probabilities of; else packed in bits. One grid and one update have one encoding.
 */
export function encodeUpdate(wire: Int32Array, grid: Grid): Uint8Array {
  return grid.sigma16 === 0 ? packUpdate(wire) : encodeEntropy(wire);
}

/** Decodes an untrusted payload; accepts only what `encodeUpdate` makes. Nothing beyond the dimension is allocated. */
export function decodeUpdate(bytes: Uint8Array, grid: Grid): DecodedUpdate {
  const { sigma16, dimension } = grid;
  return sigma16 === 0 ? unpackUpdate(bytes, dimension) : decodeEntropy(bytes, dimension);
}
