import { compareBytes, utf8ToBytes } from '../crypto/index.js';
import { anyNode, compareKeys, sourceOf } from './anyNode.js';
import {
  BYTES,
  DecodeError,
  FALSE,
  LIST,
  MAP,
  NEGATIVE,
  NULL,
  Reader,
  TEXT,
  TRUE,
  UNSIGNED,
  unencodable,
  Writer,
} from './cbor.js';

export { anyNode } from './anyNode.js';
export { DecodeError } from './cbor.js';

/**
 * Declares each message once as a codec value; the type is derived from it (`Infer`).
 *
 * `read` is strict: it bounds every length and integer and refuses what it does not know, so a decoded value needs
 * no second check. `write` refuses what `read` would.
 */
export interface Codec<T> {
  write(out: Writer, value: T): void;
  read(input: Reader): T;
}

export type Infer<C> = C extends Codec<infer T> ? T : never;

/** Canonical DAG-CBOR bytes of a value. Equal values give equal bytes on every machine. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  // A codec may encode another value on its way, so each level has a writer of its own.
  writers[level] ??= new Writer();
  const out = writers[level]!;
  level += 1;
  try {
    codec.write(out, value);
    return out.take();
  } finally {
    out.reset();
    level -= 1;
  }
}

const writers: Writer[] = [];
let level = 0;

/**
 * Decodes canonical bytes, or throws DecodeError: one value has one form.
 *
 * Limits: at most `bytesMax` bytes, checked before anything is read; nesting at most `depthMax`.
 */
export function decode<T>(
  codec: Codec<T>,
  bytes: Uint8Array,
  bytesMax: number,
  depthMax: number = DEPTH_MAX,
): T {
  return readWhole(codec, new Reader(bytes, depthMax), bytesMax);
}

function readWhole<T>(codec: Codec<T>, input: Reader, bytesMax: number): T {
  const { bytes } = input;
  if (bytes.length > bytesMax)
    throw new DecodeError('oversize', '$', `${bytes.length} bytes, at most ${bytesMax}`);
  const value = codec.read(input);
  if (input.at !== bytes.length) throw new DecodeError('not-cbor', '$', 'bytes behind the value');
  return value;
}

/**
 * A codec that encodes each value once: values are never changed once made, so a transaction's bytes are needed by
 * its signature, its hash, the block and the store, and made by the first of them, or known from decoding.
 */
export interface Form<T> extends Codec<T> {
  encode(value: T): Uint8Array;
  /** As `decode`; the bytes must not change afterwards. */
  decode(bytes: Uint8Array, bytesMax: number, depthMax?: number): T;
}

export function formOf<T extends object>(codec: Codec<T>): Form<T> {
  const known = new WeakMap<T, Uint8Array>();
  const encodeOnce = (value: T): Uint8Array => {
    let encoded = known.get(value);
    if (encoded === undefined) {
      encoded = encode(codec, value);
      known.set(value, encoded);
    }
    return encoded;
  };
  return {
    encode: encodeOnce,
    decode: (bytes, bytesMax, depthMax = DEPTH_MAX) => {
      const input = new Reader(bytes, depthMax);
      input.keepsBytes = true;
      const value = readWhole(codec, input, bytesMax);
      known.set(value, bytes);
      return value;
    },
    write: (out, value) => out.raw(encodeOnce(value)),
    read: (input) => {
      const start = input.at;
      const value = codec.read(input);
      known.set(value, input.since(start));
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

/** The IPLD value of a typed one: what `anyNode` reads from its bytes. */
export function toNode<T>(codec: Codec<T>, value: T): unknown {
  return decode(anyNode, encode(codec, value), Number.POSITIVE_INFINITY);
}

/** The typed value of an IPLD one. Throws DecodeError; its path begins with `name`. */
export function fromNode<T>(codec: Codec<T>, node: unknown, name: string): T {
  return codec.read(new Reader(sourceOf(node) ?? encode(anyNode, node), DEPTH_MAX, name));
}

/** Lists and maps inside one another; deeper input is refused, so that no reader exhausts its stack. */
export const DEPTH_MAX = 16;

/** Whole number from min to max, both safe integers. */
export function integer(min: number, max: number): Codec<number> {
  const inRange = (value: number): boolean => value >= min && value <= max;
  return {
    write: (out, value) => {
      if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw unencodable('not a whole number');
      if (!inRange(value)) throw unencodable(`${value} is outside ${min}..${max}`);
      out.integer(value);
    },
    read: (input) => {
      const value =
        min < 0 && input.peek() >> 5 === NEGATIVE
          ? -1 - input.head(NEGATIVE, 'a whole number')
          : input.head(UNSIGNED, 'a whole number');
      if (!inRange(value)) throw input.shape(`${value} is outside ${min}..${max}`);
      return value;
    },
  };
}

/** Unsigned whole number up to 2^53 − 1. */
export const uint: Codec<number> = integer(0, Number.MAX_SAFE_INTEGER);

const U64_END = 1n << 64n;

/** Unsigned 64-bit number; always a bigint here, whatever its size. */
export const u64: Codec<bigint> = {
  write: (out, value) => {
    if (value < 0n || value >= U64_END) throw unencodable('outside 0..2^64-1');
    out.bigint(value);
  },
  read: (input) => {
    if (input.peek() >> 5 !== UNSIGNED) input.head(UNSIGNED, 'a whole number');
    return BigInt(input.wide(UNSIGNED));
  },
};

export const bool: Codec<boolean> = {
  write: (out, value) => out.simple(value ? TRUE : FALSE),
  read: (input) => {
    const first = input.peek();
    if (first !== TRUE && first !== FALSE) throw input.shape('not true or false');
    input.at += 1;
    return first === TRUE;
  },
};

/** Byte string of exactly `length` bytes. */
export function bytes(length: number): Codec<Uint8Array> {
  return bytesBetween(length, length);
}

/** Byte string of min to max bytes. */
export function bytesBetween(min: number, max: number): Codec<Uint8Array> {
  return byteString(min, max, (input, length) => input.bytesOf(length));
}

/** The same, but what is read is a view of the message, and keeps all of it alive. */
export function bytesWithin(min: number, max: number): Codec<Uint8Array> {
  return byteString(min, max, (input, length) => input.viewOf(length));
}

function byteString(
  min: number,
  max: number,
  take: (input: Reader, length: number) => Uint8Array,
): Codec<Uint8Array> {
  return {
    write: (out, value) => {
      if (!(value instanceof Uint8Array)) throw unencodable('not bytes');
      if (value.length < min || value.length > max)
        throw unencodable(`${value.length} bytes, not ${min}..${max}`);
      out.bytes(value);
    },
    read: (input) => {
      const length = input.head(BYTES, 'bytes');
      if (length < min || length > max) throw input.shape(`${length} bytes, not ${min}..${max}`);
      return take(input, length);
    },
  };
}

/** UTF-8 text of at most `bytesMax` bytes, well formed. */
export function text(bytesMax: number): Codec<string> {
  return {
    write: (out, value) => {
      if (typeof value !== 'string') throw unencodable('not text');
      // A unit of UTF-16 takes at most three bytes of UTF-8.
      if (value.length * 3 > bytesMax && utf8ToBytes(value).length > bytesMax)
        throw unencodable(`text longer than ${bytesMax} bytes`);
      out.text(value);
    },
    read: (input) => {
      const length = input.head(TEXT, 'text');
      if (length > bytesMax) throw input.shape(`text longer than ${bytesMax} bytes`);
      return input.textOf(length);
    },
  };
}

/** One of the listed words. */
export function oneOf<const W extends readonly string[]>(...words: W): Codec<W[number]> {
  const word = text(Math.max(...words.map((each) => utf8ToBytes(each).length)));
  const expected = `not one of ${words.join(', ')}`;
  return {
    write: (out, value) => {
      if (!words.includes(value)) throw unencodable(expected);
      word.write(out, value);
    },
    read: (input) => {
      const value = word.read(input);
      if (!words.includes(value)) throw input.shape(expected);
      return value;
    },
  };
}

export function nullable<T>(codec: Codec<T>): Codec<T | null> {
  return {
    write: (out, value) => {
      if (value === null) out.simple(NULL);
      else codec.write(out, value);
    },
    read: (input) => {
      if (input.peek() !== NULL) return codec.read(input);
      input.at += 1;
      return null;
    },
  };
}

/** List of at most `max` items. */
export function list<T>(item: Codec<T>, max: number): Codec<readonly T[]> {
  return {
    write: (out, value) => {
      if (value.length > max) throw unencodable(`${value.length} items, at most ${max}`);
      out.head(LIST, value.length);
      for (const element of value) item.write(out, element);
    },
    read: (input) => {
      const count = input.count(LIST, 'a list');
      if (count > max) throw input.shape(`${count} items, at most ${max}`);
      input.enter();
      const items: T[] = [];
      for (let at = 0; at < count; at += 1) {
        input.trail.push(at);
        items.push(item.read(input));
        input.trail.pop();
      }
      input.leave();
      return items;
    },
  };
}

type Fields = Readonly<Record<string, Codec<never>>>;
type Struct<F> = { readonly [K in keyof F]: F[K] extends Codec<infer T> ? T : never };

/** A struct's fields without the list's head around them: also what follows a tag. */
function bareFields<F>(fields: F) {
  const entries = Object.entries(fields as unknown as Fields) as [string, Codec<unknown>][];
  return {
    count: entries.length,
    write: (out: Writer, value: Struct<F>): void => {
      for (const [name, codec] of entries) codec.write(out, (value as Record<string, unknown>)[name]);
    },
    read: (input: Reader): Struct<F> => {
      const value: Record<string, unknown> = {};
      for (const [name, codec] of entries) {
        input.trail.push(name);
        value[name] = codec.read(input);
        input.trail.pop();
      }
      return value as Struct<F>;
    },
  };
}

/** Fields in their declared order, as a list: compact, and unknown fields have no place. */
export function struct<const F extends { readonly [name: string]: unknown }>(fields: F): Codec<Struct<F>> {
  const { count, write, read } = bareFields(fields);
  return {
    write: (out, value) => {
      out.head(LIST, count);
      write(out, value);
    },
    read: (input) => {
      const given = input.count(LIST, 'a list of fields');
      if (given !== count) throw input.shape(`${given} fields, not ${count}`);
      input.enter();
      const value = read(input);
      input.leave();
      return value;
    },
  };
}

/** A record's fields without the map's head around them. */
function bareRecord<F>(fields: F) {
  const entries = (Object.entries(fields as unknown as Fields) as [string, Codec<unknown>][])
    .map(([name, codec]) => ({ name, codec, key: encode(anyNode, name) }))
    // Shorter keys first, then by bytes: as their encodings compare.
    .sort((a, b) => compareBytes(a.key, b.key));
  const names = Object.keys(fields as object);
  const missing = (input: Reader, name: string): DecodeError => {
    input.trail.push(name);
    return input.shape('missing');
  };
  return {
    count: entries.length,
    first: entries[0]?.key ?? null,
    write: (out: Writer, value: Struct<F>): void => {
      for (const { name, codec, key } of entries) {
        out.raw(key);
        codec.write(out, (value as Record<string, unknown>)[name]);
      }
    },
    /** `count`: how many fields there are. */
    read: (input: Reader, count: number): Struct<F> => {
      // In the order in which they are declared, whatever the order of their keys.
      const value: Record<string, unknown> = {};
      for (const name of names) value[name] = undefined;
      let at = 0;
      for (const { name, codec, key } of entries) {
        if (at === count) throw missing(input, name);
        if (!input.skip(key)) throw wrongKey(input, name, names);
        input.trail.push(name);
        value[name] = codec.read(input);
        input.trail.pop();
        at += 1;
      }
      if (at < count) throw wrongKey(input, null, names);
      return value as Struct<F>;
    },
  };
}

/** Fields by name, as a map: for what people read in other tools (call arguments, state values). */
export function record<const F extends { readonly [name: string]: unknown }>(fields: F): Codec<Struct<F>> {
  const bare = bareRecord(fields);
  return {
    write: (out, value) => {
      out.head(MAP, bare.count);
      bare.write(out, value);
    },
    read: (input) => {
      const count = input.count(MAP, 'a map of fields');
      input.enter();
      const value = bare.read(input, count);
      input.leave();
      return value;
    },
  };
}

type Cases = { readonly [kind: string]: { readonly [name: string]: unknown } };
type OneOfCases<C extends Cases> = {
  [K in keyof C & string]: { readonly kind: K } & Struct<C[K]>;
}[keyof C & string];

/**
 * One of several records, told apart by their field `kind`. It is read first, so the names of the other fields have to
 * come after it: longer than four letters, or of four and later in the alphabet.
 */
export function oneKindOf<const C extends Cases>(cases: C): Codec<OneOfCases<C>> {
  const kindKey = encode(anyNode, 'kind');
  const kind = oneOf(...Object.keys(cases));
  const records = new Map(Object.entries(cases).map(([name, fields]) => [name, bareRecord(fields)]));
  for (const { first } of records.values())
    if (first !== null && compareBytes(first, kindKey) <= 0)
      throw new RangeError('a field comes before kind');
  return {
    write: (out, value) => {
      const bare = records.get(value.kind);
      if (bare === undefined) throw unencodable(`unknown kind ${value.kind}`);
      out.head(MAP, 1 + bare.count);
      out.raw(kindKey);
      kind.write(out, value.kind);
      bare.write(out, value as never);
    },
    read: (input) => {
      const count = input.count(MAP, 'a map of fields');
      input.enter();
      if (count === 0 || !input.skip(kindKey)) throw input.shape('no kind at its beginning');
      input.trail.push('kind');
      const name = kind.read(input);
      input.trail.pop();
      const value = { kind: name, ...(records.get(name)!.read(input, count - 1) as object) };
      input.leave();
      return value as OneOfCases<C>;
    },
  };
}

/** Why another key than `expected` (null: none) stands here. */
function wrongKey(input: Reader, expected: string | null, names: readonly string[]): DecodeError {
  const key = input.textOf(input.head(TEXT, 'a text as key'));
  if (!names.includes(key)) {
    input.trail.push(key);
    return input.shape('unknown field');
  }
  if (expected === null || compareKeys(key, expected) < 0)
    return input.error('not-canonical', `the key ${key} is not in its place`);
  input.trail.push(expected);
  return input.shape('missing');
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
  const { count, write, read } = bareFields({ chainId: bytes(32), ...fields });
  const tagBytes = encode(anyNode, tag);
  return {
    write: (out, value) => {
      out.head(LIST, 2 + count);
      out.raw(tagBytes);
      out.integer(version);
      write(out, value as never);
    },
    read: (input) => {
      const given = input.count(LIST, `a list that begins with ${tag}`);
      input.enter();
      if (!input.skip(tagBytes)) throw input.shape(`does not begin with ${tag}`);
      const found = input.head(UNSIGNED, 'a version');
      if (found !== version) throw input.shape(`version ${found} of ${tag} is not known`);
      if (given !== 2 + count) throw input.shape(`${given} fields, not ${2 + count}`);
      const value = read(input);
      input.leave();
      return value as never;
    },
  };
}
