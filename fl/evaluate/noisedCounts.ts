import { type Range, type RatioMoments, ratioInterval, unit } from './ratioInterval.js';

/** Noised counts by bin, of one label. */
export interface NoisedCounts {
  /** [bins], may be below 0. */
  readonly counts: readonly number[];
  /** [bins]: of the noise, and of the rows as Poisson draws. */
  readonly variances: readonly number[];
}

export interface Estimate extends Range {
  readonly value: number;
}

export function noisedCounts(counts: readonly number[], noiseVariance: number): NoisedCounts {
  return { counts, variances: counts.map((count) => noiseVariance + Math.max(0, count)) };
}

/** One term of a ratio: how much each count says for the numerator and for the denominator. */
export interface RatioTerm {
  readonly of: NoisedCounts;
  readonly up: (bin: number) => number;
  readonly down: (bin: number) => number;
}

export function ratioMoments(terms: readonly RatioTerm[]): RatioMoments {
  let [numerator, denominator, constant, linear, square] = [0, 0, 0, 0, 0];
  for (const { of, up, down } of terms)
    for (const [bin, count] of of.counts.entries()) {
      const [a, d, variance] = [up(bin), down(bin), of.variances[bin]!];
      numerator += a * count;
      denominator += d * count;
      constant += a * a * variance;
      linear += a * d * variance;
      square += d * d * variance;
    }
  return { numerator, denominator, constant, linear, square };
}

/** A share as a ratio of sums of counts, with its interval. Null where nothing is left to divide by. */
export function ratioOf(moments: RatioMoments, z: number): Estimate | null {
  const { numerator, denominator } = moments;
  if (!(denominator > 0)) return null;
  const value = unit(numerator / denominator);
  const { low, high } = ratioInterval(moments, z);
  return { value, low: Math.min(low, value), high: Math.max(high, value) };
}
