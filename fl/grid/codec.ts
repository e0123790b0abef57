import { strict as assert } from 'node:assert';
import { DIMENSION_MAX } from './grid.js';

/*
 * An update's payload, version 1: 6 bytes of header, then the entries in bits.
 *
 *   0  u8   version, 1
 *   1  u8   width, bits an entry, 0 .. 32: the least that holds all entries
 *   2  u32  dimension, big-endian
 *   6       entries in zigzag (0, -1, 1, -2, ...), `width` bits each, the lowest bit first, from the lowest bit of
 *           each byte up; the last byte is padded with zeros
 *
 * One update has one encoding: a wider width, padding that is not zero and trailing bytes are refused.
 */

const VERSION = 1;
const HEADER_BYTES = 6;
const WIDTH_MAX = 32;

export type UnpackRefusal =
  | 'too-short'
  | 'unsupported-version'
  | 'wrong-dimension'
  | 'width-out-of-range'
  | 'wrong-length'
  | 'padding-not-zero'
  | 'width-not-least';

export type UnpackedUpdate =
  | { readonly ok: true; readonly wire: Int32Array }
  | { readonly ok: false; readonly reason: UnpackRefusal };

/** The most bytes that an update of this dimension can take. */
export function updateBytesMax(dimension: number): number {
  return HEADER_BYTES + bodyBytes(dimension, WIDTH_MAX);
}

/** Encodes wire entries. Dimension 1 .. 2^22. Cost: some ns an entry. */
export function packUpdate(wire: Int32Array): Uint8Array {
  assert.ok(wire.length >= 1 && wire.length <= DIMENSION_MAX, 'dimension of an update');
  let all = 0;
  for (const entry of wire) all |= zigzag(entry);
  const width = WIDTH_MAX - Math.clz32(all);
  const bytes = new Uint8Array(HEADER_BYTES + bodyBytes(wire.length, width));
  bytes[0] = VERSION;
  bytes[1] = width;
  new DataView(bytes.buffer).setUint32(2, wire.length);
  writeBits(bytes.subarray(HEADER_BYTES), wire, width);
  return bytes;
}

/**
 * Decodes an untrusted payload for a round of the given dimension. Nothing is allocated before the length is known
 * to be right. Reasons are checked in the order of `UnpackRefusal`. Cost: some ns an entry.
 */
export function unpackUpdate(bytes: Uint8Array, dimension: number): UnpackedUpdate {
  const refuse = (reason: UnpackRefusal): UnpackedUpdate => ({ ok: false, reason });
  if (bytes.length < HEADER_BYTES) return refuse('too-short');
  if (bytes[0] !== VERSION) return refuse('unsupported-version');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(2) !== dimension) return refuse('wrong-dimension');
  const width = bytes[1]!;
  if (width > WIDTH_MAX) return refuse('width-out-of-range');
  if (bytes.length !== HEADER_BYTES + bodyBytes(dimension, width)) return refuse('wrong-length');
  const used = (dimension * width) % 8;
  if (used !== 0 && bytes[bytes.length - 1]! >> used !== 0) return refuse('padding-not-zero');

  const wire = new Int32Array(dimension);
  const all = readBits(bytes.subarray(HEADER_BYTES), wire, width);
  if (WIDTH_MAX - Math.clz32(all) !== width) return refuse('width-not-least');
  return { ok: true, wire };
}

function bodyBytes(dimension: number, width: number): number {
  return Math.ceil((dimension * width) / 8);
}

/** As an unsigned 32-bit pattern (in a signed number): 0, 1, 2, 3 for 0, -1, 1, -2. */
function zigzag(entry: number): number {
  return (entry << 1) ^ (entry >> 31);
}

function unzigzag(code: number): number {
  return (code >>> 1) ^ -(code & 1);
}

// Bits go through a 32-bit word: `bits` (0 .. 31) of them wait in `waiting`, its lowest. Shifts count modulo 32, so a
// shift by all 32 is spelled out.

function writeBits(body: Uint8Array, wire: Int32Array, width: number): void {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  let waiting = 0;
  let bits = 0;
  let at = 0;
  for (let i = 0; i < wire.length; i++) {
    const code = zigzag(wire[i]!);
    waiting |= code << bits;
    bits += width;
    if (bits < 32) continue;
    view.setUint32(at, waiting, true);
    at += 4;
    bits -= 32;
    waiting = bits === 0 ? 0 : code >>> (width - bits);
  }
  for (; bits > 0; bits -= 8) {
    body[at++] = waiting;
    waiting >>>= 8;
  }
}

/** Fills `wire`; returns all codes or-ed together. */
function readBits(body: Uint8Array, wire: Int32Array, width: number): number {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const whole = body.length - (body.length % 4);
  const mask = width === 32 ? -1 : 2 ** width - 1;
  let waiting = 0;
  let bits = 0;
  let at = 0;
  let all = 0;
  for (let i = 0; i < wire.length; i++) {
    let code = waiting & mask;
    if (bits >= width) {
      waiting >>>= width;
      bits -= width;
    } else {
      const word = at < whole ? view.getInt32(at, true) : lastWord(body, whole);
      at += 4;
      const taken = width - bits;
      code = (waiting | (word << bits)) & mask;
      waiting = taken === 32 ? 0 : word >>> taken;
      bits = 32 - taken;
    }
    all |= code;
    wire[i] = unzigzag(code);
  }
  return all;
}

/** Up to three bytes that fill no word. */
function lastWord(body: Uint8Array, from: number): number {
  let word = 0;
  for (let at = body.length - 1; at >= from; at -= 1) word = (word << 8) | body[at]!;
  return word;
}
