import { Buffer } from 'node:buffer';
import { bytesToHex } from '../../crypto/index.js';

/** What JSON can say. Bytes are lower-case hex, 64-bit integers decimal texts, payload bytes base64. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * JSON form of a decoded value (an event's fields, call arguments): bytes become hex, bigints decimal texts.
 *
 * The value is a canonical IPLD node, so its depth and size are bounded by the codec that read it.
 */
export function jsonOf(value: unknown): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'string')
    return value;
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Uint8Array) return bytesToHex(value);
  if (Array.isArray(value)) return value.map(jsonOf);
  if (typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, jsonOf(item)]));
  }
  throw new TypeError(`bug: a ${typeof value} has no JSON form`);
}

/** Base64 with padding (RFC 4648 section 4). */
export function bytesToBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** Inverse of `bytesToBase64`, or null for any text that is not exactly its result. Cost: 2 ms a MiB. */
export function base64ToBytes(text: string): Uint8Array | null {
  if (text.length % 4 !== 0) return null;
  // Node's decoder skips what it does not know: only encoding again shows that nothing was skipped.
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
    : null;
}

/** Length of the base64 text of `bytes` bytes. */
export function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}
