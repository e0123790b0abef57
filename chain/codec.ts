import * as dagCbor from '@ipld/dag-cbor';

/**
 * Declares each message once as a codec value; the type is derived from it (`Infer`).
 *
 * A codec maps between a typed value and an IPLD node. `fromNode` is strict: it bounds every length and
 * integer and refuses what it does not know, so a decoded value needs no second check.
 */
export interface Codec<T> {
  toNode(value: T): unknown;
  fromNode(node: unknown, path: string): T;
}

export type Infer<C> = C extends Codec<infer T> ? T : never;

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

/** Canonical DAG-CBOR bytes of a value. Equal values give equal bytes on every machine. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  return dagCbor.encode(codec.toNode(value));
}

/**
 * Decodes canonical bytes, or throws DecodeError.
 *
 * Limits: at most `bytesMax` bytes, checked before anything is read; nesting at most `depthMax`.
 * One value has one form. The library's decoder refuses heads longer than they need be, and takes unsorted keys and
 * float16, so `scan` looks at the form first; what it cannot vouch for (text beyond ASCII, floats, large integers) is encoded again and compared.
 */
export function decode<T>(
  codec: Codec<T>,
  bytes: Uint8Array,
  bytesMax: number,
  depthMax: number = DEPTH_MAX,
): T {
  if (bytes.length > bytesMax)
    throw new DecodeError('oversize', '$', `${bytes.length} bytes, at most ${bytesMax}`);
  const isPlain = scan(bytes, depthMax);
  let node: unknown;
  try {
    node = dagCbor.decode(bytes);
  } catch (error) {
    throw new DecodeError('not-cbor', '$', (error as Error).message);
  }
  const value = codec.fromNode(node, '$');
  if (!isPlain && !isCanonical(codec, value, bytes)) {
    throw new DecodeError('not-canonical', '$', 'the bytes are not the canonical form of their value');
  }
  return value;
}

/** The library's encoder trips over maps that look like its own links (`{"/": 1, "bytes": 1}`). */
function isCanonical<T>(codec: Codec<T>, value: T, bytes: Uint8Array): boolean {
  let again: Uint8Array;
  try {
    again = encode(codec, value);
  } catch (error) {
    throw new DecodeError('not-canonical', '$', `cannot be encoded again: ${(error as Error).message}`);
  }
  return again.length === bytes.length && Buffer.compare(again, bytes) === 0;
}

/**
 * A codec that encodes each value once: values are never changed once made, so a transaction's bytes are needed by
 * its signature, its hash, the block and the store, and made by the first of them, or known from decoding.
 */
export interface Form<T> {
  encode(value: T): Uint8Array;
  /** As `decode`; the bytes must not change afterwards. */
  decode(bytes: Uint8Array, bytesMax: number, depthMax?: number): T;
}

export function formOf<T extends object>(codec: Codec<T>): Form<T> {
  const known = new WeakMap<T, Uint8Array>();
  const remember = (value: T, encoded: Uint8Array): Uint8Array => {
    known.set(value, encoded);
    return encoded;
  };
  return {
    encode: (value) => known.get(value) ?? remember(value, encode(codec, value)),
    decode: (bytes, bytesMax, depthMax) => {
      const value = decode(codec, bytes, bytesMax, depthMax);
      remember(value, bytes);
      return value;
    },
  };
}

/** Like decode, but a refusal is a value: for input that strangers send. */
export function tryDecode<T>(
  codec: Codec<T>,
  bytes: Uint8Array,
  bytesMax: number,
): { ok: true; value: T } | { ok: false; error: DecodeError } {
  try {
    return { ok: true, value: decode(codec, bytes, bytesMax) };
  } catch (error) {
    if (error instanceof DecodeError) return { ok: false, error };
    throw error;
  }
}

/** Lists and maps inside one another; deeper input is refused before the recursive decoder sees it. */
export const DEPTH_MAX = 16;

/**
 * Walks the heads of CBOR items without allocating, so that a few kilobytes of nested lists cannot exhaust
 * the decoder's stack and a length that lies cannot make it allocate.
 *
 * True if the bytes, should the library take them, are canonical DAG-CBOR: sorted ASCII keys without repeats, ASCII
 * text, safe integers, no floats. False means that nothing is known. Throws DecodeError for what no value of ours holds.
 */
function scan(bytes: Uint8Array, depthMax: number): boolean {
  /** Items left in each open list or map, innermost last; of a map's, even: a key is next. */
  const open: number[] = [];
  const isMap: boolean[] = [];
  /** Where the last key of each open map begins; 0: it has none yet. */
  const lastKey: number[] = [];
  let isPlain = true;
  let at = 0;
  while (at < bytes.length) {
    const start = at;
    const first = bytes[at]!;
    const major = first >> 5;
    const width = headWidth(bytes, at);
    const argument = width === 0 ? first & 31 : readArgument(bytes, at, width);
    at += 1 + width;
    const depth = open.length - 1;
    if (depth >= 0 && isMap[depth] && open[depth]! % 2 === 0) {
      if (major !== 3 || !isKeyAfter(bytes, lastKey[depth]!, start)) isPlain = false;
      lastKey[depth] = start;
    }
    if (major === 2 || major === 3) {
      if (argument > bytes.length - at) throw new DecodeError('not-cbor', '$', 'a length exceeds the input');
      if (major === 3 && isPlain) isPlain = isAscii(bytes, at, at + argument);
      at += argument;
    } else if (major === 6) {
      throw new DecodeError('shape', '$', 'links are not used inside values');
    } else if (major === 7 ? first < FALSE || first > NULL : argument > Number.MAX_SAFE_INTEGER) {
      isPlain = false;
    }
    if (depth >= 0) open[depth]! -= 1;
    if (major === 4 || major === 5) {
      const items = major === 5 ? argument * 2 : argument;
      if (items > bytes.length - at) throw new DecodeError('not-cbor', '$', 'a length exceeds the input');
      open.push(items);
      isMap.push(major === 5);
      lastKey.push(0);
      if (open.length > depthMax) throw new DecodeError('oversize', '$', `nested deeper than ${depthMax}`);
    }
    while (open.length > 0 && open[open.length - 1] === 0) {
      open.pop();
      isMap.pop();
      lastKey.pop();
    }
  }
  return isPlain;
}

/** First bytes of the simple values; `undefined` (0xf7) and floats lie beyond. */
const FALSE = 0xf4;
const NULL = 0xf6;

/** Bytes of the argument behind a head's first byte. */
function headWidth(bytes: Uint8Array, at: number): number {
  const info = bytes[at]! & 31;
  if (info < 24) return 0;
  if (info > 27) throw new DecodeError('not-cbor', '$', 'indefinite or reserved length');
  const width = 1 << (info - 24);
  if (at + 1 + width > bytes.length) throw new DecodeError('not-cbor', '$', 'cut short');
  return width;
}

function readArgument(bytes: Uint8Array, at: number, width: number): number {
  let argument = 0;
  for (let i = 1; i <= width; i += 1) argument = argument * 256 + bytes[at + i]!;
  return argument;
}

/**
 * Is the map key at `key` made of ASCII letters and digits, and does it belong behind the one at `before` (0: there is
 * none)? DAG-CBOR puts shorter keys first, then orders by bytes: as their encodings compare. Other keys ("/",
 * "__proto__") mean something to the library, or to the language.
 */
function isKeyAfter(bytes: Uint8Array, before: number, key: number): boolean {
  const end = endOfText(bytes, key);
  for (let at = key + 1 + headWidth(bytes, key); at < end; at += 1)
    if (!isAlphanumeric(bytes[at]!)) return false;
  if (end > bytes.length) return false;
  return (
    before === 0 ||
    Buffer.compare(bytes.subarray(before, endOfText(bytes, before)), bytes.subarray(key, end)) < 0
  );
}

function endOfText(bytes: Uint8Array, at: number): number {
  const width = headWidth(bytes, at);
  const length = width === 0 ? bytes[at]! & 31 : readArgument(bytes, at, width);
  return Math.min(bytes.length + 1, at + 1 + width + length);
}

function isAlphanumeric(byte: number): boolean {
  const letter = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (letter >= 0x61 && letter <= 0x7a);
}

function isAscii(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) if (bytes[at]! > 0x7f) return false;
  return true;
}

function shape(path: string, detail: string): DecodeError {
  return new DecodeError('shape', path, detail);
}

/** Whole number from min to max, both safe integers. */
export function integer(min: number, max: number): Codec<number> {
  const check = (value: unknown, path: string): number => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value) || Object.is(value, -0)) {
      throw shape(path, 'not a whole number');
    }
    if (value < min || value > max) throw shape(path, `${value} is outside ${min}..${max}`);
    return value;
  };
  return { toNode: (value) => check(value, '(encoding)'), fromNode: check };
}

/** Unsigned whole number up to 2^53 − 1. */
export const uint: Codec<number> = integer(0, Number.MAX_SAFE_INTEGER);

const U64_END = 1n << 64n;

/** Unsigned 64-bit number; always a bigint here, whatever its size (the library returns small ones as numbers). */
export const u64: Codec<bigint> = {
  toNode: (value) => {
    if (value < 0n || value >= U64_END) throw shape('(encoding)', 'outside 0..2^64-1');
    return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
  },
  fromNode: (node, path) => {
    const value = typeof node === 'number' && Number.isSafeInteger(node) ? BigInt(node) : node;
    if (typeof value !== 'bigint') throw shape(path, 'not a whole number');
    if (value < 0n || value >= U64_END) throw shape(path, 'outside 0..2^64-1');
    return value;
  },
};

export const bool: Codec<boolean> = {
  toNode: (value) => value,
  fromNode: (node, path) => {
    if (typeof node !== 'boolean') throw shape(path, 'not true or false');
    return node;
  },
};

/** Byte string of exactly `length` bytes. */
export function bytes(length: number): Codec<Uint8Array> {
  return bytesBetween(length, length);
}

/** Byte string of min to max bytes. */
export function bytesBetween(min: number, max: number): Codec<Uint8Array> {
  const check = (value: unknown, path: string): Uint8Array => {
    if (!(value instanceof Uint8Array)) throw shape(path, 'not bytes');
    if (value.length < min || value.length > max)
      throw shape(path, `${value.length} bytes, not ${min}..${max}`);
    return value;
  };
  return { toNode: (value) => check(value, '(encoding)'), fromNode: check };
}

/**
 * UTF-8 text of at most `bytesMax` bytes, well formed, without a byte order mark: decoders (the library's too)
 * drop one at the start, so that a piece of such a text could be encoded and never decoded.
 */
export function text(bytesMax: number): Codec<string> {
  const check = (value: unknown, path: string): string => {
    if (typeof value !== 'string') throw shape(path, 'not text');
    if (Buffer.byteLength(value) > bytesMax) throw shape(path, `text longer than ${bytesMax} bytes`);
    if (!value.isWellFormed()) throw shape(path, 'text is not well formed');
    if (value.includes(BYTE_ORDER_MARK)) throw shape(path, 'text has a byte order mark');
    return value;
  };
  return { toNode: (value) => check(value, '(encoding)'), fromNode: check };
}

export const BYTE_ORDER_MARK = '\ufeff';

/** One of the listed words. */
export function oneOf<const W extends readonly string[]>(...words: W): Codec<W[number]> {
  const check = (value: unknown, path: string): string => {
    if (typeof value !== 'string' || !words.includes(value))
      throw shape(path, `not one of ${words.join(', ')}`);
    return value;
  };
  return { toNode: (value) => check(value, '(encoding)'), fromNode: check };
}

export function nullable<T>(codec: Codec<T>): Codec<T | null> {
  return {
    toNode: (value) => (value === null ? null : codec.toNode(value)),
    fromNode: (node, path) => (node === null ? null : codec.fromNode(node, path)),
  };
}

/** List of at most `max` items. */
export function list<T>(item: Codec<T>, max: number): Codec<readonly T[]> {
  return {
    toNode: (value) => {
      if (value.length > max) throw shape('(encoding)', `${value.length} items, at most ${max}`);
      return value.map((element) => item.toNode(element));
    },
    fromNode: (node, path) => {
      if (!Array.isArray(node)) throw shape(path, 'not a list');
      if (node.length > max) throw shape(path, `${node.length} items, at most ${max}`);
      return node.map((element, i) => item.fromNode(element, `${path}[${i}]`));
    },
  };
}

type Fields = Readonly<Record<string, Codec<never>>>;
type Struct<F> = { readonly [K in keyof F]: F[K] extends Codec<infer T> ? T : never };

/** Fields in their declared order, as a list: compact, and unknown fields have no place. */
export function struct<const F extends { readonly [name: string]: unknown }>(fields: F): Codec<Struct<F>> {
  const entries = Object.entries(fields as unknown as Fields) as [string, Codec<unknown>][];
  return {
    toNode: (value) => entries.map(([name, codec]) => codec.toNode((value as Record<string, unknown>)[name])),
    fromNode: (node, path) => {
      if (!Array.isArray(node)) throw shape(path, 'not a list of fields');
      if (node.length !== entries.length) throw shape(path, `${node.length} fields, not ${entries.length}`);
      return Object.fromEntries(
        entries.map(([name, codec], i) => [name, codec.fromNode(node[i], `${path}.${name}`)]),
      ) as Struct<F>;
    },
  };
}

/** Fields by name, as a map: for what people read in other tools (call arguments, state values). */
export function record<const F extends { readonly [name: string]: unknown }>(fields: F): Codec<Struct<F>> {
  const entries = Object.entries(fields as unknown as Fields) as [string, Codec<unknown>][];
  return {
    toNode: (value) =>
      Object.fromEntries(
        entries.map(([name, codec]) => [name, codec.toNode((value as Record<string, unknown>)[name])]),
      ),
    fromNode: (node, path) => {
      if (node === null || typeof node !== 'object' || Array.isArray(node) || node instanceof Uint8Array) {
        throw shape(path, 'not a map of fields');
      }
      const given = node as Record<string, unknown>;
      for (const name of Object.keys(given)) {
        if (!Object.hasOwn(fields, name)) throw shape(`${path}.${name}`, 'unknown field');
      }
      return Object.fromEntries(
        entries.map(([name, codec]) => {
          if (!Object.hasOwn(given, name)) throw shape(`${path}.${name}`, 'missing');
          return [name, codec.fromNode(given[name], `${path}.${name}`)];
        }),
      ) as Struct<F>;
    },
  };
}

/**
 * A message that is signed or hashed: a list that begins with its domain tag, the format's version and the
 * chain id, so that bytes of one kind, format or chain can never be taken for another's.
 */
export function tagged<const F extends { readonly [name: string]: unknown }>(
  tag: string,
  version: number,
  fields: F,
): Codec<Struct<F> & { readonly chainId: Uint8Array }> {
  const body = struct({ chainId: bytes(32), ...fields });
  return {
    toNode: (value) => [tag, version, ...(body.toNode(value as never) as unknown[])],
    fromNode: (node, path) => {
      if (!Array.isArray(node) || node[0] !== tag) throw shape(path, `does not begin with ${tag}`);
      if (node[1] !== version) throw shape(path, `version ${String(node[1])} of ${tag} is not known`);
      return body.fromNode(node.slice(2), path) as never;
    },
  };
}

/** Any IPLD value; its bounds are those of the enclosing decode. The owner decodes it again with its own codec. */
export const anyNode: Codec<unknown> = { toNode: (value) => value, fromNode: (node) => node };
