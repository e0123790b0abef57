import type { RandomBytes } from '../crypto/index.js';
import {
  calibrateSigma16,
  createDiscreteGaussian,
  type DataSchema,
  epsilonMicroOfRho,
  roundRho,
} from '../fl/index.js';

export interface NoiseOptions {
  /** Numbers of one provider. */
  readonly dimensions: number;
  /** The longest that a provider's vector of numbers stays; longer ones are shortened. Public, never from the data. */
  readonly clip: number;
  /** ε in 10⁻⁶, δ in 10⁻¹². */
  readonly epsilonMicro: number;
  readonly deltaPico: number;
}

export interface NoisedAttributes {
  /** [providers][dimensions]. */
  readonly points: Float64Array;
  /** The standard deviation of each number's noise. */
  readonly deviation: number;
  /** What it costs each provider, in 2⁻⁴⁰; releases of the same data add up. */
  readonly rho: bigint;
  /** The ε that this comes to at δ: at most the declared one. */
  readonly epsilonMicro: number;
}

/** Grid steps that a clip length has, for each dimension's root: rounding costs 1 % of the sensitivity at most. */
const STEPS = 100;

/**
 * Attributes that may be looked at: each provider's numbers, shortened to `clip`, with Gaussian noise.
 *
 * Whatever is computed from the result tells of one provider's attributes no more than (ε, δ) allows, also to those who
 * see the result itself: any vector may stand for any other (replace-one), so the sensitivity is 2·clip. Noise is drawn
 * in whole grid steps by the exact sampler, and the sensitivity counts the rounding: it holds of the numbers as they are.
 * points: [providers][dimensions], finite; 0 is the schema's centre. Wants a cryptographic source. Cost: 5 µs a number.
 * Source: Dwork et al. 2006; Balle and Wang 2018 (the exact curve); Canonne, Kamath, Steinke 2020 (the sampler).
 */
export function noisedAttributes(
  points: Float64Array,
  { dimensions, clip, epsilonMicro, deltaPico }: NoiseOptions,
  random: RandomBytes,
): NoisedAttributes {
  if (!(clip > 0 && Number.isFinite(clip))) throw new RangeError(`a clip length of ${clip}`);
  if (!points.every(Number.isFinite)) throw new RangeError('a provider whose numbers are not finite');
  const sigma16 = calibrateSigma16({ epsilonMicro, deltaPico, rounds: 1 });
  const root = Math.sqrt(dimensions);
  const step = 2 ** Math.floor(Math.log2(clip / (STEPS * root)));
  // In steps. Rounding moves each of two vectors by half a step a dimension at most.
  const sensitivity = Math.ceil((2 * clip) / step) + Math.ceil(root);
  const deviation = BigInt(sensitivity) * BigInt(sigma16);
  const noise = createDiscreteGaussian(random, deviation * deviation, 1n << 32n);
  const noised = new Float64Array(points.length);
  for (let first = 0; first < points.length; first += dimensions) {
    const row = points.subarray(first, first + dimensions);
    const scale = Math.min(1, clip / Math.hypot(...row));
    for (const [index, value] of row.entries())
      noised[first + index] = (Math.round((value * scale) / step) + noise()) * step;
  }
  const rho = roundRho(sigma16);
  return {
    points: noised,
    deviation: (sensitivity * step * sigma16) / 65_536,
    rho,
    epsilonMicro: epsilonMicroOfRho(rho, deltaPico),
  };
}

/** The longest vector that a schema's public bounds let a row become: no clip length beyond it does anything. */
export function longestRow({ features }: DataSchema): number {
  let squares = 0;
  for (const { kind, count, indicator, minMicro, maxMicro, centerMicro, scaleMicro } of features) {
    const most = Math.max(Math.abs(minMicro - centerMicro), Math.abs(maxMicro - centerMicro)) / scaleMicro;
    // A missing value is 0 in its place and 1 in its indicator, so never both.
    const value = kind === 'category' ? 1 : most;
    squares += count * Math.max(value, indicator ? 1 : 0) ** 2;
  }
  return Math.sqrt(squares);
}
