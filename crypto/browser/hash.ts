import { strict as assert } from 'node:assert';
import { sha256 as nobleSha256, sha512 as nobleSha512 } from '@noble/hashes/sha2.js';
import { utf8ToBytes } from '../bytes.js';

/** ../hash.ts, where there is no Node: see package.json, "browser". */
export const SHA256_BYTES = 32;

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const state = nobleSha256.create();
  for (const part of parts) state.update(part);
  return state.digest();
}

export function sha256Text(input: Uint8Array | string): string {
  return digestText(sha256(typeof input === 'string' ? utf8ToBytes(input) : input));
}

export function sha256Pair(prefix: number, left: string, right: string): string {
  return digestText(sha256(Uint8Array.of(prefix), digestBytes(left), digestBytes(right)));
}

export function sha256Behind(prefix: number, input: Uint8Array): string {
  return digestText(sha256(Uint8Array.of(prefix), input));
}

export function digestBytes(text: string): Uint8Array {
  return Uint8Array.from({ length: SHA256_BYTES }, (_, at) => text.charCodeAt(at));
}

export function digestText(bytes: Uint8Array): string {
  assert.equal(bytes.length, SHA256_BYTES, 'a digest');
  return String.fromCharCode(...bytes);
}

export function sha512(...parts: readonly Uint8Array[]): Uint8Array {
  const state = nobleSha512.create();
  for (const part of parts) state.update(part);
  return state.digest();
}
