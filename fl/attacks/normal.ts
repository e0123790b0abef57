import type { RandomBytes } from '../../crypto/index.js';

/** Independent draws of the standard normal, by Box and Muller. In floats: for attacks and generated rows, never for privacy. */
export function normalDraws(count: number, random: RandomBytes): Float64Array {
  const bytes = random(8 * count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float64Array.from({ length: count }, (_, index) => {
    const u = (view.getUint32(8 * index) + 1) / 2 ** 32;
    const v = view.getUint32(8 * index + 4) / 2 ** 32;
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
  });
}

/** Φ⁻¹ of a probability in (0, 1), to about 1e-7: bisection on Φ within ±8. */
export function inverseNormal(probability: number): number {
  let [low, high] = [-8, 8];
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2;
    if (normalShare(middle) < probability) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Φ. Abramowitz and Stegun 1964, 26.2.17: absolute error below 7.5e-8. */
function normalShare(x: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(x));
  const series =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const upper = (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * series;
  return x >= 0 ? 1 - upper : upper;
}
