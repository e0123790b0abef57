import { strict as assert } from 'node:assert';
import { type FrequencyTable, frequencyTable, TABLE_BITS, TABLES } from './frequencyTable.js';
import { DIMENSION_MAX } from './grid.js';

/*
 * An update's payload, version 2: entropy-coded, for updates with noise in them. 10 bytes of header, then the stream.
 *
 *    0  u8   version, 2
 *    1  u8   scale j: the coder expects a standard deviation of 2^(j/4 - 2)
 *    2  u32  dimension, big-endian
 *    6  u32  the coder's state after the last symbol was put in, 2^23 .. 2^31 - 1, big-endian
 *   10       the bytes that the state shed, the last one first
 *
 * Each entry x is split: its high part x >> shift is a symbol of the table that the scale names, its `shift` low bits
 * are raw. shift is 0 up to j = 23 and grows by one every four steps from there, so tables stay small. A high part
 * beyond the table is the escape, then five raw bits n - 1, n - 1 raw bits and a sign for its distance of n bits.
 *
 * The coder is rANS (Duda 2013, arXiv:1311.2540): decoding a symbol is the exact inverse of encoding it, so an accepted
 * payload is the one that its entries encode to. What the coder doesn't fix, the decoder checks: the scale is the one
 * that follows from the entries, the state ends where it began, no byte is left.
 */

const VERSION = 2;
const HEADER_BYTES = 10;
const STATE_MIN = 2 ** 23;
const SCALE_MAX = 133; // a mean of 2^31
const MASK = 2 ** TABLE_BITS - 1;
const ENTRY_BYTES_MAX = 8; // an escape takes 15 bits, 6 and at most 31: seven bytes

export type EntropyRefusal =
  | 'too-short'
  | 'unsupported-version'
  | 'wrong-dimension'
  | 'scale-out-of-range'
  | 'state-out-of-range'
  | 'wrong-length'
  | 'entry-out-of-range'
  | 'not-canonical';

export type DecodedEntropy =
  | { readonly ok: true; readonly wire: Int32Array }
  | { readonly ok: false; readonly reason: EntropyRefusal };

/**
 * Encodes wire entries: about log₂(4.13·s) bits each where they are normal with deviation s.
 *
 * Dimension 1 .. 2^22. Cost: about 40 ns an entry, and 8 bytes an entry meanwhile.
 */
export function encodeEntropy(wire: Int32Array): Uint8Array {
  assert.ok(wire.length >= 1 && wire.length <= DIMENSION_MAX, 'dimension of an update');
  return encodeAtScale(wire, scaleOf(wire));
}

/** As `encodeEntropy`, at a scale that need not be the right one: what a decoder must refuse. */
export function encodeAtScale(wire: Int32Array, scale: number): Uint8Array {
  const { table, shift } = coderOf(scale);
  const coder = new Writer(HEADER_BYTES + wire.length * ENTRY_BYTES_MAX);
  const low = 2 ** shift - 1;
  // Backwards, since the decoder takes out last what went in first.
  for (let i = wire.length - 1; i >= 0; i--) {
    const entry = wire[i]!;
    coder.bits(entry & low, shift);
    putHigh(coder, table, entry >> shift);
  }
  const bytes = coder.finish(HEADER_BYTES);
  bytes[0] = VERSION;
  bytes[1] = scale;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint32(2, wire.length);
  view.setUint32(6, coder.state);
  return bytes;
}

/**
 * Decodes an untrusted payload for a round of the given dimension: at most `dimension` entries are allocated, and only
 * the encoding that `encodeEntropy` would make is accepted. Cost: about 13 ns an entry.
 */
export function decodeEntropy(bytes: Uint8Array, dimension: number): DecodedEntropy {
  const refuse = (reason: EntropyRefusal): DecodedEntropy => ({ ok: false, reason });
  if (bytes.length < HEADER_BYTES) return refuse('too-short');
  if (bytes[0] !== VERSION) return refuse('unsupported-version');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(2) !== dimension) return refuse('wrong-dimension');
  const scale = bytes[1]!;
  if (scale > SCALE_MAX) return refuse('scale-out-of-range');
  const state = view.getUint32(6);
  if (state < STATE_MIN || state >= 2 ** 31) return refuse('state-out-of-range');
  const { table, shift } = coderOf(scale);
  const coder = new Reader(bytes, HEADER_BYTES, state);
  const wire = new Int32Array(dimension);
  for (let i = shift === 0 ? coder.run(table, wire, 0) : 0; i < dimension; i++) {
    const high = takeHigh(coder, table);
    const entry = high * 2 ** shift + coder.bits(shift);
    if (entry > 2 ** 31 - 1 || entry < -(2 ** 31))
      return refuse(coder.short ? 'wrong-length' : 'entry-out-of-range');
    wire[i] = entry;
    if (shift === 0) i = coder.run(table, wire, i + 1) - 1;
  }
  if (coder.short || coder.at !== bytes.length) return refuse('wrong-length');
  if (coder.state !== STATE_MIN || scaleOf(wire) !== scale) return refuse('not-canonical');
  return { ok: true, wire };
}

/**
 * The scale of these entries: the least j with √(π/2) · mean |x| <= 2^((j + 1/2)/4 - 2), the nearest by logarithm if
 * they are normal. In whole numbers; a mean doesn't follow an outlier as far as a variance would.
 */
function scaleOf(wire: Int32Array): number {
  let sum = 0; // below 2^53: at most 2^22 entries, 2^31 each
  for (let i = 0; i < wire.length; i++) sum += Math.abs(wire[i]!);
  const scaled = BigInt(sum) << 34n;
  const length = BigInt(wire.length);
  let scale = 0;
  while (scaled > (length * BOUNDS[scale % 4]!) << BigInt(scale >> 2)) scale++;
  return scale;
}

/** 2^((r + 1/2)/4)/√(π/2) in 2^-32 for r = 0 .. 3, rounded down. */
const BOUNDS = [3737047966n, 4444124030n, 5284983917n, 6284940476n];

function coderOf(scale: number): { readonly table: FrequencyTable; readonly shift: number } {
  if (scale < TABLES) return { table: frequencyTable(scale), shift: 0 };
  return { table: frequencyTable(TABLES - 4 + (scale % 4)), shift: (scale >> 2) - TABLES / 4 + 1 };
}

function putHigh(coder: Writer, table: FrequencyTable, high: number): void {
  const { reach, frequency, start } = table;
  const beyond = Math.abs(high) - reach;
  if (beyond <= 0) {
    coder.symbol(frequency[high + reach]!, start[high + reach]!);
    return;
  }
  const width = 32 - Math.clz32(beyond);
  coder.bits(high < 0 ? 1 : 0, 1);
  coder.bits(beyond - 2 ** (width - 1), width - 1);
  coder.bits(width - 1, 5);
  const beyondTable = 2 * reach + 1;
  coder.symbol(frequency[beyondTable]!, start[beyondTable]!);
}

function takeHigh(coder: Reader, table: FrequencyTable): number {
  const symbol = coder.symbol(table);
  if (symbol <= 2 * table.reach) return symbol - table.reach;
  const width = coder.bits(5);
  const magnitude = table.reach + 2 ** width + coder.bits(width);
  return coder.bits(1) === 1 ? -magnitude : magnitude;
}

/** The coder's state and what it has shed, from the end of a buffer towards its front. */
class Writer {
  state = STATE_MIN;
  readonly #bytes: Uint8Array;
  #at: number;

  constructor(bytesMax: number) {
    this.#bytes = new Uint8Array(bytesMax);
    this.#at = bytesMax;
  }

  symbol(frequency: number, start: number): void {
    this.#shed(frequency * 65_536);
    const quotient = (this.state / frequency) | 0;
    this.state = (quotient << TABLE_BITS) + this.state - quotient * frequency + start;
  }

  /** Raw bits, the low ones last in the encoder's order: first out are the low 15. */
  bits(value: number, count: number): void {
    if (count > TABLE_BITS) {
      this.bits(value >>> TABLE_BITS, count - TABLE_BITS);
      this.bits(value & MASK, TABLE_BITS);
      return;
    }
    if (count === 0) return;
    this.#shed(2 ** (31 - count));
    this.state = (this.state << count) + value;
  }

  finish(headerBytes: number): Uint8Array {
    return this.#bytes.slice(this.#at - headerBytes);
  }

  /** Keeps the state below 2^31 after the next step, which multiplies it by 2^31/bound. */
  #shed(bound: number): void {
    while (this.state >= bound) {
      this.#bytes[--this.#at] = this.state & 255;
      this.state >>>= 8;
    }
  }
}

/** The inverse of `Writer`. Past the end of its bytes it reads zeros and says so. */
class Reader {
  state: number;
  at: number;
  short = false;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, at: number, state: number) {
    this.#bytes = bytes;
    this.at = at;
    this.state = state;
  }

  /**
   * Takes symbols into `wire` from `from` on, up to an escape; returns where it stopped. The same as `symbol` each time,
   * with everything in registers: nearly all of an update's entries come by here. Past the end of its bytes it reads
   * zeros, and `at` says so.
   */
  run({ reach, frequency, start, symbolOf }: FrequencyTable, wire: Int32Array, from: number): number {
    const bytes = this.#bytes;
    let { state, at } = this;
    let i = from;
    for (; i < wire.length; i++) {
      const slot = state & MASK;
      const symbol = symbolOf[slot]!;
      if (symbol > 2 * reach) break;
      wire[i] = symbol - reach;
      state = Math.imul(frequency[symbol]!, state >>> TABLE_BITS) + slot - start[symbol]!;
      if (state < STATE_MIN) {
        state = (state << 8) | bytes[at++]!;
        if (state < STATE_MIN) state = (state << 8) | bytes[at++]!;
      }
    }
    this.state = state;
    this.at = at;
    return i;
  }

  symbol({ frequency, start, symbolOf }: FrequencyTable): number {
    const slot = this.state & MASK;
    const symbol = symbolOf[slot]!;
    this.state = frequency[symbol]! * (this.state >>> TABLE_BITS) + slot - start[symbol]!;
    this.#fill();
    return symbol;
  }

  bits(count: number): number {
    if (count > TABLE_BITS) {
      const low = this.bits(TABLE_BITS);
      return this.bits(count - TABLE_BITS) * 2 ** TABLE_BITS + low;
    }
    if (count === 0) return 0;
    const value = this.state & ((1 << count) - 1);
    this.state >>>= count;
    this.#fill();
    return value;
  }

  #fill(): void {
    while (this.state < STATE_MIN) {
      if (this.at >= this.#bytes.length) {
        this.short = true;
        this.state = STATE_MIN; // whatever comes is refused; a state of zero would never fill
        return;
      }
      this.state = this.state * 256 + this.#bytes[this.at++]!;
    }
  }
}
