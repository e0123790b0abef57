import { Buffer } from 'node:buffer';

/** Lower-case hex of the bytes, two digits a byte. */
export function bytesToHex(bytes: Uint8Array): string {
  // Most are keys and hashes: to copy these costs less than to make a view of them.
  if (bytes.length > HEX_BYTES) return viewOf(bytes).toString('hex');
  hexScratch.set(bytes);
  return hexScratch.toString('hex', 0, bytes.length);
}

const HEX_BYTES = 64;
const hexScratch = Buffer.alloc(HEX_BYTES);

/**
 * Bytes of a hex text. Lower case only, so that one value has one text (ids are compared as texts too).
 *
 * Throws a TypeError on an odd length or any other character: callers check what comes from outside with
 *   `isHex` first.
 */
export function hexToBytes(hex: string): Uint8Array {
  if (!/^(?:[0-9a-f]{2})*$/.test(hex)) throw new TypeError('not a lower-case hex text');
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

/** Whether `text` is the lower-case hex of exactly `bytes` bytes. */
export function isHex(text: unknown, bytes: number): text is string {
  return typeof text === 'string' && text.length === 2 * bytes && /^[0-9a-f]*$/.test(text);
}

/** Base64 with padding (RFC 4648 section 4). */
export function bytesToBase64(bytes: Uint8Array): string {
  return viewOf(bytes).toString('base64');
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

/** Whether both hold the same bytes. Not constant time: for public values. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** Lexicographic order by unsigned byte, a prefix first: negative, zero or positive, as for `sort`. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(a, b);
}

/** A new array that holds the parts one after another. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

const encoder = new TextEncoder();
// ignoreBOM keeps a leading U+FEFF, so that decoding and encoding are inverses.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 of a text. Lone surrogates become U+FFFD, as everywhere on the web. */
export function utf8ToBytes(text: string): Uint8Array {
  // A unit of UTF-16 takes at most three bytes. Into an array that is there already is six times as fast.
  if (3 * text.length > scratch.length) return encoder.encode(text);
  const { written } = encoder.encodeInto(text, scratch);
  return scratch.slice(0, written);
}

const scratch = new Uint8Array(3 * 512);

/** Text of UTF-8 bytes. Throws a TypeError on bytes that are not UTF-8. */
export function bytesToUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
