import { createHash, hash } from 'node:crypto';

/** 32 bytes. */
export const SHA256_BYTES = 32;

/**
 * SHA-256 of the parts as if they were concatenated: `sha256(a, b)` equals `sha256(concat(a, b))`, so the caller
 * separates fields (domain tags, fixed lengths, a canonical codec).
 *
 * Cost: about 1.3 µs for short parts, 0.75 ms a MiB; long parts are not copied.
 */
export function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return new Uint8Array(hash('sha256', parts[0]!, 'buffer'));
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  // One call into the library costs a third of the four that parts take.
  if (bytes <= JOINED_BYTES_MAX) return new Uint8Array(hash('sha256', joined(parts, bytes), 'buffer'));
  const state = createHash('sha256');
  for (const part of parts) state.update(part);
  return new Uint8Array(state.digest());
}

const JOINED_BYTES_MAX = 1_024;
/** Filled and read within one call: nothing of a hash's input stays in use afterwards. */
const scratch = new Uint8Array(JOINED_BYTES_MAX);

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  let at = 0;
  for (const part of parts) {
    scratch.set(part, at);
    at += part.length;
  }
  return scratch.subarray(0, bytes);
}

/** SHA-512 of the parts as if they were concatenated; 64 bytes. */
export function sha512(...parts: readonly Uint8Array[]): Uint8Array {
  const state = createHash('sha512');
  for (const part of parts) state.update(part);
  return new Uint8Array(state.digest());
}
