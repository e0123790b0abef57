import type { RandomBytes } from '../../../crypto/index.js';

const BUFFER_BYTES = 16_384;
/** More at once a browser refuses. */
const CALL_BYTES_MAX = 65_536;

/** What is used of a browser's; the project is compiled without the types of one. */
declare const crypto: { getRandomValues(array: Uint8Array): unknown };

/** ../osRandom.ts in a browser. What was handed out is wiped from the block. */
export function osRandom(): RandomBytes {
  const buffer = new Uint8Array(BUFFER_BYTES);
  let used = BUFFER_BYTES;
  return (bytes) => {
    if (bytes > BUFFER_BYTES) return filled(bytes);
    if (used + bytes > BUFFER_BYTES) {
      crypto.getRandomValues(buffer);
      used = 0;
    }
    const drawn = buffer.slice(used, used + bytes);
    buffer.fill(0, used, used + bytes);
    used += bytes;
    return drawn;
  };
}

function filled(bytes: number): Uint8Array {
  const drawn = new Uint8Array(bytes);
  for (let at = 0; at < bytes; at += CALL_BYTES_MAX)
    crypto.getRandomValues(drawn.subarray(at, at + CALL_BYTES_MAX));
  return drawn;
}
