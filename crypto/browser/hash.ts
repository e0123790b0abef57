import { sha256 as nobleSha256, sha512 as nobleSha512 } from '@noble/hashes/sha2.js';

/** ../hash.ts, where there is no Node: see package.json, "browser". */
export const SHA256_BYTES = 32;

export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const state = nobleSha256.create();
  for (const part of parts) state.update(part);
  return state.digest();
}

export function sha512(...parts: readonly Uint8Array[]): Uint8Array {
  const state = nobleSha512.create();
  for (const part of parts) state.update(part);
  return state.digest();
}
