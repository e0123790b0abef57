import { bytesToHex } from '../../crypto/index.js';

export { base64ToBytes, bytesToBase64 } from '../../crypto/index.js';

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

/** Length of the base64 text of `bytes` bytes. */
export function base64Length(bytes: number): number {
  return Math.ceil(bytes / 3) * 4;
}
