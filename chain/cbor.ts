import { utf8ToBytes } from '../crypto/index.js';

/*
 * DAG-CBOR, canonical and strict: one value has one form. Integers and lengths in their shortest head; text in
 * well-formed UTF-8; the keys of maps are texts, shorter ones first, then by bytes; floats have 64 bits and are no
 * integers; no links, no other tags, no indefinite lengths. Sources: RFC 8949; the IPLD specification of DAG-CBOR.
 */

/** Why bytes were refused. `path` names the field, for people; nothing matches on the text. */
export class DecodeError extends Error {
  readonly code = 'decode';
  constructor(
    readonly reason: 'not-cbor' | 'not-canonical' | 'oversize' | 'shape',
    readonly path: string,
    detail: string,
  ) {
    super(`${path}: ${detail}`);
    this.name = 'DecodeError';
  }
}

export const UNSIGNED = 0;
export const NEGATIVE = 1;
export const BYTES = 2;
export const TEXT = 3;
export const LIST = 4;
export const MAP = 5;
const TAG = 6;

export const FALSE = 0xf4;
export const TRUE = 0xf5;
export const NULL = 0xf6;
const UNDEFINED = 0xf7;
const FLOAT16 = 0xf9;
const FLOAT64 = 0xfb;

const U64_END = 1n << 64n;
const TWO_32 = 2 ** 32;

/** A value that has no form: a bug of the caller's, or a number out of its bounds. */
export function unencodable(detail: string): DecodeError {
  return new DecodeError('shape', '(encoding)', detail);
}

/** Where encoded items go, one after another. */
export class Writer {
  #bytes = new Uint8Array(1_024);
  #at = 0;

  /** What was written since the last call. A buffer that grew large is let go. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#at);
    this.reset();
    return taken;
  }

  reset(): void {
    this.#at = 0;
    if (this.#bytes.length > KEPT_BYTES_MAX) this.#bytes = new Uint8Array(1_024);
  }

  /** A whole item that is encoded already, or several. */
  raw(encoded: Uint8Array): void {
    this.#reserve(encoded.length);
    this.#bytes.set(encoded, this.#at);
    this.#at += encoded.length;
  }

  /** The head of an item: `argument` is a safe integer, not negative. */
  head(major: number, argument: number): void {
    this.#reserve(9);
    const bytes = this.#bytes;
    const first = major << 5;
    if (argument < 24) {
      bytes[this.#at++] = first | argument;
    } else if (argument < 0x100) {
      bytes[this.#at++] = first | 24;
      bytes[this.#at++] = argument;
    } else if (argument < 0x1_0000) {
      bytes[this.#at++] = first | 25;
      bytes[this.#at++] = argument >> 8;
      bytes[this.#at++] = argument & 0xff;
    } else if (argument < TWO_32) {
      bytes[this.#at++] = first | 26;
      this.#word(argument);
    } else {
      bytes[this.#at++] = first | 27;
      this.#word(Math.floor(argument / TWO_32));
      this.#word(argument % TWO_32);
    }
  }

  integer(value: number): void {
    if (value >= 0) this.head(UNSIGNED, value);
    else this.head(NEGATIVE, -1 - value);
  }

  /** From -2^64 to 2^64 - 1. */
  bigint(value: bigint): void {
    const argument = value < 0n ? -1n - value : value;
    if (argument >= U64_END) throw unencodable(`${value} does not fit into 64 bits`);
    const major = value < 0n ? NEGATIVE : UNSIGNED;
    if (argument <= BigInt(Number.MAX_SAFE_INTEGER)) {
      this.head(major, Number(argument));
      return;
    }
    this.#reserve(9);
    this.#bytes[this.#at++] = (major << 5) | 27;
    this.#word(Number(argument >> 32n));
    this.#word(Number(argument & 0xffff_ffffn));
  }

  /** `null`, `true`, `false` as their byte. */
  simple(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = byte;
  }

  float(value: number): void {
    if (!Number.isFinite(value)) throw unencodable(`${value} has no form`);
    this.#reserve(9);
    this.#bytes[this.#at++] = FLOAT64;
    new DataView(this.#bytes.buffer).setFloat64(this.#at, value);
    this.#at += 8;
  }

  bytes(value: Uint8Array): void {
    this.head(BYTES, value.length);
    this.raw(value);
  }

  text(value: string): void {
    const { length } = value;
    this.#reserve(9 + length);
    if (length < 24) {
      // Most texts are names: short, ASCII. Begin again if this one is not.
      const start = this.#at;
      this.#bytes[this.#at++] = (TEXT << 5) | length;
      let at = 0;
      for (; at < length; at += 1) {
        const code = value.charCodeAt(at);
        if (code > 0x7f) break;
        this.#bytes[this.#at++] = code;
      }
      if (at === length) return;
      this.#at = start;
    }
    if (!value.isWellFormed()) throw unencodable('text is not well formed');
    const encoded = utf8ToBytes(value);
    this.head(TEXT, encoded.length);
    this.raw(encoded);
  }

  #word(value: number): void {
    const bytes = this.#bytes;
    bytes[this.#at++] = value >>> 24;
    bytes[this.#at++] = (value >>> 16) & 0xff;
    bytes[this.#at++] = (value >>> 8) & 0xff;
    bytes[this.#at++] = value & 0xff;
  }

  #reserve(more: number): void {
    const needed = this.#at + more;
    if (needed <= this.#bytes.length) return;
    const wider = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    wider.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = wider;
  }
}

const KEPT_BYTES_MAX = 2 * 1_024 * 1_024;

/**
 * Reads items one after another; a length is compared with what is left before anything is made of it. Nesting is
 * bounded by `depthMax`: whoever opens a list or map calls `enter` and, behind its last item, `leave`.
 *
 * Throws DecodeError. `trail` says where it is, for the error's path: whoever reads a field or an item pushes its
 * name or index, and pops it behind.
 */
export class Reader {
  at = 0;
  /** The value keeps all of these bytes, so what is a part of them need not be copied. */
  keepsBytes = false;
  readonly trail: (string | number)[] = [];
  #depth = 0;

  constructor(
    readonly bytes: Uint8Array,
    readonly depthMax: number,
    /** What the value is called in an error's path. */
    readonly root = '$',
  ) {}

  error(reason: DecodeError['reason'], detail: string): DecodeError {
    const path = this.trail.map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`)).join('');
    return new DecodeError(reason, `${this.root}${path}`, detail);
  }

  shape(detail: string): DecodeError {
    return this.error('shape', detail);
  }

  /** First byte of the next item. */
  peek(): number {
    if (this.at >= this.bytes.length) throw this.error('not-cbor', 'cut short');
    return this.bytes[this.at]!;
  }

  /** The argument of the next item's head, which must be of this kind; an integer must be safe. */
  head(major: number, expected: string): number {
    const first = this.peek();
    if (first >> 5 !== major) throw this.#unexpected(first, expected);
    const info = first & 31;
    if (info < 24) {
      this.at += 1;
      return info;
    }
    const argument = this.#argument(info);
    if (argument > Number.MAX_SAFE_INTEGER) {
      throw major === UNSIGNED || major === NEGATIVE
        ? this.shape('not a whole number that is safe')
        : this.error('not-cbor', 'a length exceeds the input');
    }
    return argument;
  }

  /** A list's or map's number of items; each has at least a byte, so there are no more than bytes are left. */
  count(major: number, expected: string): number {
    const count = this.head(major, expected);
    if (count > this.bytes.length - this.at) throw this.error('not-cbor', 'a length exceeds the input');
    return count;
  }

  enter(): void {
    this.#depth += 1;
    if (this.#depth > this.depthMax) throw this.error('oversize', `nested deeper than ${this.depthMax}`);
  }

  leave(): void {
    this.#depth -= 1;
  }

  /** A copy, since what is decoded keeps nobody else's bytes alive; or a view where they are kept anyway. */
  bytesOf(length: number): Uint8Array {
    if (this.keepsBytes) return this.viewOf(length);
    if (length > this.bytes.length - this.at) throw this.error('not-cbor', 'a length exceeds the input');
    const value = Uint8Array.prototype.slice.call(this.bytes, this.at, this.at + length);
    this.at += length;
    return value;
  }

  /** A view: keeps all bytes alive. */
  viewOf(length: number): Uint8Array {
    if (length > this.bytes.length - this.at) throw this.error('not-cbor', 'a length exceeds the input');
    const value = view(this.bytes, this.at, this.at + length);
    this.at += length;
    return value;
  }

  /** What was read since `start`, for whoever notes it beside the value. */
  since(start: number): Uint8Array {
    return this.keepsBytes
      ? view(this.bytes, start, this.at)
      : Uint8Array.prototype.slice.call(this.bytes, start, this.at);
  }

  /** Text of `length` bytes. */
  textOf(length: number): string {
    if (length > this.bytes.length - this.at) throw this.error('not-cbor', 'a length exceeds the input');
    const end = this.at + length;
    if (length <= SHORT_TEXT_BYTES) {
      let value = '';
      let at = this.at;
      for (; at < end; at += 1) {
        const code = this.bytes[at]!;
        if (code > 0x7f) break;
        value += String.fromCharCode(code);
      }
      if (at === end) {
        this.at = end;
        return value;
      }
    }
    let value: string;
    try {
      value = utf8.decode(this.bytes.subarray(this.at, end));
    } catch {
      throw this.error('not-canonical', 'text is not UTF-8');
    }
    this.at = end;
    return value;
  }

  /** Is what comes next exactly these bytes? If so they are behind. */
  skip(expected: Uint8Array): boolean {
    const { bytes, at } = this;
    if (expected.length > bytes.length - at) return false;
    for (let i = 0; i < expected.length; i += 1) if (bytes[at + i] !== expected[i]) return false;
    this.at += expected.length;
    return true;
  }

  /** Integers beyond the safe ones, as IPLD has them: a bigint. */
  wide(major: typeof UNSIGNED | typeof NEGATIVE): number | bigint {
    const start = this.at;
    const first = this.peek();
    const info = first & 31;
    const argument = info < 24 ? info : this.#argument(info);
    if (info < 24) this.at += 1;
    if (argument < Number.MAX_SAFE_INTEGER || (argument === Number.MAX_SAFE_INTEGER && major === UNSIGNED))
      return major === UNSIGNED ? argument : -1 - argument;
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    const exact = view.getBigUint64(start + 1);
    return major === UNSIGNED ? exact : -1n - exact;
  }

  /** A finite number that is no safe integer, in 64 bits. */
  float(): number {
    const first = this.peek();
    if (first !== FLOAT64) throw this.#unexpected(first, 'a value');
    if (this.bytes.length - this.at < 9) throw this.error('not-cbor', 'cut short');
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    const value = view.getFloat64(this.at + 1);
    if (!Number.isFinite(value) || Number.isSafeInteger(value))
      throw this.error('not-canonical', 'a float that has a shorter form, or none');
    this.at += 9;
    return value;
  }

  /** Reads the argument behind a head's first byte: at most 2^64, not exact beyond 2^53. */
  #argument(info: number): number {
    if (info > 27) throw this.error('not-cbor', 'indefinite or reserved length');
    const { bytes } = this;
    const width = 1 << (info - 24);
    if (this.at + 1 + width > bytes.length) throw this.error('not-cbor', 'cut short');
    let argument = 0;
    for (let i = 1; i <= width; i += 1) argument = argument * 256 + bytes[this.at + i]!;
    const least = width === 1 ? 24 : 256 ** (width / 2);
    if (argument < least) throw this.error('not-cbor', 'a head that is longer than it need be');
    this.at += 1 + width;
    return argument;
  }

  #unexpected(first: number, expected: string): DecodeError {
    const major = first >> 5;
    if (major === TAG) return this.shape('links are not used inside values');
    if ((first & 31) > 27) return this.error('not-cbor', 'indefinite or reserved length');
    if (first >= FLOAT16 || first === UNDEFINED)
      return this.error('not-canonical', 'undefined, or a float in a form that is not canonical');
    if (major === 7 && (first < FALSE || first > NULL)) return this.error('not-cbor', 'a simple value');
    return this.shape(`not ${expected}`);
  }
}

/** Whatever kind of array it is: a Buffer's `subarray` would be one too. */
function view(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}

/** Up to here a loop over ASCII is faster than the decoder of the platform. */
const SHORT_TEXT_BYTES = 24;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
