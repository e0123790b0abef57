import { randomBytes, randomFillSync } from 'node:crypto';
import type { RandomBytes } from '../../crypto/index.js';

const BUFFER_BYTES = 16_384;

/**
 * The operating system's cryptographic generator, drawn in blocks: noise takes a few bytes at a time, and a
 * call for each costs a microsecond. What was handed out is wiped from the block.
 */
export function osRandom(): RandomBytes {
  const buffer = new Uint8Array(BUFFER_BYTES);
  let used = BUFFER_BYTES;
  return (bytes) => {
    if (bytes > BUFFER_BYTES) return new Uint8Array(randomBytes(bytes));
    if (used + bytes > BUFFER_BYTES) {
      randomFillSync(buffer);
      used = 0;
    }
    const drawn = buffer.slice(used, used + bytes);
    buffer.fill(0, used, used + bytes);
    used += bytes;
    return drawn;
  };
}
