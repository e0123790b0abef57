import { compareBytes, utf8ToBytes } from '../crypto/index.js';
import {
  BYTES,
  FALSE,
  LIST,
  MAP,
  NEGATIVE,
  NULL,
  type Reader,
  TEXT,
  TRUE,
  UNSIGNED,
  unencodable,
  type Writer,
} from './cbor.js';
import type { Codec } from './codec.js';

/**
 * Any IPLD value but links; its bounds are those of the enclosing decode. The owner reads it again with its own
 * codec. Integers beyond the safe ones are bigints.
 */
export const anyNode: Codec<unknown> = {
  write: writeNode,
  read: (input) => {
    const start = input.at;
    const node = readNode(input);
    if (typeof node === 'object' && node !== null) sources.set(node, input.since(start));
    return node;
  },
};

/** For whoever reads a node again as something typed; values are never changed. */
const sources = new WeakMap<object, Uint8Array>();

/** The bytes that a node was read from, if it was. They must not be changed. */
export function sourceOf(node: unknown): Uint8Array | undefined {
  return typeof node === 'object' && node !== null ? sources.get(node) : undefined;
}

function writeNode(out: Writer, node: unknown): void {
  if (node === null) out.simple(NULL);
  else if (typeof node === 'boolean') out.simple(node ? TRUE : FALSE);
  else if (typeof node === 'number') writeNumber(out, node);
  else if (typeof node === 'bigint') out.bigint(node);
  else if (typeof node === 'string') out.text(node);
  else if (node instanceof Uint8Array) out.bytes(node);
  else if (Array.isArray(node)) {
    out.head(LIST, node.length);
    for (const item of node) writeNode(out, item);
  } else if (typeof node === 'object') writeMap(out, node as Record<string, unknown>);
  else throw unencodable(`${typeof node} has no form`);
}

function writeNumber(out: Writer, value: number): void {
  if (Object.is(value, -0)) throw unencodable('-0 has no form');
  if (Number.isSafeInteger(value)) out.integer(value);
  else out.float(value);
}

function writeMap(out: Writer, node: Record<string, unknown>): void {
  const keys = Object.keys(node).sort(compareKeys);
  out.head(MAP, keys.length);
  for (const key of keys) {
    out.text(key);
    writeNode(out, node[key]);
  }
}

function readNode(input: Reader): unknown {
  const first = input.peek();
  switch (first >> 5) {
    case UNSIGNED:
      return input.wide(UNSIGNED);
    case NEGATIVE:
      return input.wide(NEGATIVE);
    case BYTES:
      return input.bytesOf(input.head(BYTES, 'bytes'));
    case TEXT:
      return input.textOf(input.head(TEXT, 'text'));
    case LIST:
      return readList(input);
    case MAP:
      return readMap(input);
    default:
      if (first === NULL || first === TRUE || first === FALSE) {
        input.at += 1;
        return first === NULL ? null : first === TRUE;
      }
      return input.float();
  }
}

function readList(input: Reader): unknown[] {
  const count = input.count(LIST, 'a list');
  input.enter();
  const items: unknown[] = [];
  for (let at = 0; at < count; at += 1) items.push(readNode(input));
  input.leave();
  return items;
}

function readMap(input: Reader): Record<string, unknown> {
  const count = input.count(MAP, 'a map');
  input.enter();
  const map: Record<string, unknown> = {};
  let before: Uint8Array | null = null;
  for (let at = 0; at < count; at += 1) {
    const start = input.at;
    const key = input.textOf(input.head(TEXT, 'a text as key'));
    const encoded = input.bytes.subarray(start, input.at);
    if (before !== null && compareBytes(before, encoded) >= 0)
      throw input.error('not-canonical', `the key ${key} is not in its place`);
    before = encoded;
    const value = readNode(input);
    // Assigning to it would change the map's prototype instead.
    if (key === '__proto__') Object.defineProperty(map, key, { value, ...DATA });
    else map[key] = value;
  }
  input.leave();
  return map;
}

const DATA = { enumerable: true, configurable: true, writable: true };

/** The order of keys in maps: shorter ones first, then by bytes. */
export function compareKeys(a: string, b: string): number {
  const [left, right] = [utf8ToBytes(a), utf8ToBytes(b)];
  return left.length - right.length || compareBytes(left, right);
}
