import { strict as assert } from 'node:assert';
import { packUpdate, type UnpackRefusal, unpackUpdate } from './codec.js';
import { decodeEntropy, type EntropyRefusal, encodeEntropy } from './entropy.js';
import type { Grid } from './grid.js';
import { WIRE_MAX } from './round.js';

/** What travels of a device in a round. */
export interface Sent {
  readonly wire: Int32Array;
  /** Sum over units of +1 (not clipped) and -1 (clipped), noised; null where the grid has no count. */
  readonly signedCount: number | null;
}

export type DecodedUpdate =
  | ({ readonly ok: true } & Sent)
  | { readonly ok: false; readonly reason: UnpackRefusal | EntropyRefusal | 'count-out-of-range' };

/** The count, where there is one: i32, big-endian, in front of the entries. */
const COUNT_BYTES = 4;

/**
 * The payload of an update on this grid: the count if the grid has one, then the entries, entropy-coded where there is
 * noise, since noise is what a coder knows the probabilities of; else packed in bits. One grid and one update have one
 * encoding.
 */
export function encodeUpdate(wire: Int32Array, grid: Grid, signedCount: number | null = null): Uint8Array {
  assert.equal(signedCount !== null, grid.countSigma16 !== null, 'a count exactly where the grid has one');
  const entries = grid.sigma16 === 0 ? packUpdate(wire) : encodeEntropy(wire);
  if (signedCount === null) return entries;
  const bytes = new Uint8Array(COUNT_BYTES + entries.length);
  new DataView(bytes.buffer).setInt32(0, Math.max(-WIRE_MAX, Math.min(WIRE_MAX, signedCount)));
  bytes.set(entries, COUNT_BYTES);
  return bytes;
}

/** Decodes an untrusted payload; accepts only what `encodeUpdate` makes. Nothing beyond the dimension is allocated. */
export function decodeUpdate(bytes: Uint8Array, grid: Grid): DecodedUpdate {
  const { sigma16, dimension, countSigma16 } = grid;
  const signedCount = countSigma16 === null ? null : countOf(bytes);
  if (countSigma16 !== null && signedCount === null) return { ok: false, reason: 'count-out-of-range' };
  const entries = countSigma16 === null ? bytes : bytes.subarray(COUNT_BYTES);
  const decoded = sigma16 === 0 ? unpackUpdate(entries, dimension) : decodeEntropy(entries, dimension);
  return decoded.ok ? { ok: true, wire: decoded.wire, signedCount } : decoded;
}

function countOf(bytes: Uint8Array): number | null {
  if (bytes.length < COUNT_BYTES) return null;
  const count = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getInt32(0);
  return count < -WIRE_MAX ? null : count;
}
