import { strict as assert } from 'node:assert';
import { concatBytes, utf8ToBytes } from './bytes.js';
import { SHA256_BYTES, sha256 } from './hash.js';

/** A source of bytes: each call returns the next `bytes` of them. A node passes the operating system's. */
export type RandomBytes = (bytes: number) => Uint8Array;

const TAG = utf8ToBytes('consilium/drbg/1');

/**
 * A deterministic byte stream: block i is SHA-256(tag ‖ i as 64-bit big-endian ‖ seed).
 *
 * For what everyone must be able to repeat: seeded shuffles, initial weights, tests. *Not for noise, keys or
 *   nonces*: who knows the seed knows the stream, and a privacy release whose noise can be recomputed hides nothing.
 * How the stream is cut into calls does not matter: 3 + 5 bytes are the same as 8.
 */
export function drbg(seed: Uint8Array): RandomBytes {
  const input = concatBytes(TAG, new Uint8Array(8), seed);
  const counter = new DataView(input.buffer, TAG.length, 8);
  let blocks = 0n;
  let block = new Uint8Array(0);
  let used = 0;
  return (bytes) => {
    assert.ok(Number.isSafeInteger(bytes) && bytes >= 0, 'a byte count is a whole number');
    const out = new Uint8Array(bytes);
    for (let filled = 0; filled < bytes; ) {
      if (used === block.length) {
        counter.setBigUint64(0, blocks++);
        block = new Uint8Array(sha256(input));
        used = 0;
      }
      const taken = Math.min(bytes - filled, SHA256_BYTES - used);
      out.set(block.subarray(used, used + taken), filled);
      filled += taken;
      used += taken;
    }
    return out;
  };
}
