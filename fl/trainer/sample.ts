import type { RandomBytes } from '../../crypto/index.js';

const CHUNK = 4_096;

/**
 * Which units a step takes: each one with probability rate32 / 2^32, on its own (Poisson sampling). Null: all of them.
 *
 * Shape: [units], 1 for a unit that is in. `random` must be cryptographic and the result stay in the device: the gain in
 *   privacy is that nobody knows who was drawn.
 */
export function drawSample(units: number, rate32: number, random: RandomBytes): Uint8Array | null {
  if (rate32 === 2 ** 32) return null;
  const sample = new Uint8Array(units);
  for (let start = 0; start < units; start += CHUNK) {
    const count = Math.min(CHUNK, units - start);
    const drawn = random(4 * count);
    const view = new DataView(drawn.buffer, drawn.byteOffset, drawn.byteLength);
    for (let at = 0; at < count; at++) sample[start + at] = view.getUint32(4 * at) < rate32 ? 1 : 0;
  }
  return sample;
}
