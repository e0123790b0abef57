import type { RandomBytes } from '../../crypto/index.js';
import { createDiscreteGaussian } from '../privacy/discreteGaussian.js';
import { roundRho } from '../privacy/rho.js';

export const BINS_MAX = 1_000;

/** Counts of scores by label: what a hospital may publish of an evaluation on its own patients. */
export interface ScoreHistogram {
  /** [bins] of equal width over probabilities 0 to 1, negatives and positives. Whole numbers, noise included. */
  readonly negatives: readonly number[];
  readonly positives: readonly number[];
}

/**
 * A hospital's part in a federated evaluation: how many of its rows of each label the model gives a probability in
 * each bin, with discrete Gaussian noise of standard deviation σ on every count.
 *
 * Privacy: zero-out adjacency; a row stands in one cell, so removing it moves the counts by 1 in L2 norm, whatever
 * the number of bins, and the release costs `histogramRho` of the hospital's ledger, as one round of noise
 * multiplier σ does. Each further partition of the same rows (by sex, by age) is a further release at the same cost.
 * sigma16: σ in 2^-16; 0: the counts as they are, for public data. random: the operating system's generator outside tests.
 * Source: Canonne, Kamath, Steinke 2020, arXiv:2004.00010.
 */
export function noisedHistogram(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  { bins, sigma16 }: { readonly bins: number; readonly sigma16: number },
  random: RandomBytes,
): ScoreHistogram {
  if (!(Number.isSafeInteger(bins) && bins >= 2 && bins <= BINS_MAX)) throw new RangeError(`${bins} bins`);
  const counts = [0, 1].map(() => new Array<number>(bins).fill(0));
  for (let row = 0; row < probabilities.length; row++) {
    const bin = Math.min(bins - 1, Math.floor(probabilities[row]! * bins));
    counts[labels[row]!]![bin]!++;
  }
  const sigma = BigInt(sigma16);
  const noise = sigma16 === 0 ? () => 0 : createDiscreteGaussian(random, sigma * sigma, 1n << 32n);
  const [negatives, positives] = counts.map((cells) => cells.map((count) => count + noise()));
  return { negatives: negatives!, positives: positives! };
}

/** What one noisedHistogram costs the ledger: ρ in 2^-40; nothing without noise, which is for public data. */
export function histogramRho(sigma16: number): bigint {
  return sigma16 === 0 ? 0n : roundRho(sigma16);
}

/** Above √(2 ln 2^40) = 7.45: how many σ a sum of noise stays below but for one release in 2^38. */
const TAIL = 8;

/**
 * Could an honest device with at most `rows` rows have published these counts? Bounds what a dishonest one can do to
 * the sum: their number lies in 0 .. rows and their length is at most that of all rows in one cell, each up to the noise.
 *
 * Whole numbers only. An honest release is found implausible less often than once in 2^38.
 * Source: Gaussian tails, which those of the discrete Gaussian don't exceed (Canonne, Kamath, Steinke 2020).
 */
export function isPlausibleHistogram(
  { negatives, positives }: ScoreHistogram,
  rows: number,
  sigma16: number,
): boolean {
  const counts = [...negatives, ...positives];
  const root = Math.ceil(Math.sqrt(counts.length));
  const noise = (sigmas: number): bigint => BigInt(Math.ceil((sigmas * sigma16) / 65_536));
  const total = counts.reduce((sum, count) => sum + BigInt(count), 0n);
  const slack = noise(TAIL * root);
  if (total < -slack || total > BigInt(rows) + slack) return false;
  const length = BigInt(rows) + noise(root + TAIL);
  return counts.reduce((sum, count) => sum + BigInt(count) ** 2n, 0n) <= length * length;
}

/** The hospitals' histograms as one; they must have as many bins. */
export function sumHistograms(histograms: readonly ScoreHistogram[]): ScoreHistogram {
  const bins = histograms[0]?.negatives.length ?? 0;
  const add = (cells: (histogram: ScoreHistogram) => readonly number[]): number[] =>
    Array.from({ length: bins }, (_, bin) => histograms.reduce((sum, each) => sum + cells(each)[bin]!, 0));
  if (histograms.some(({ negatives, positives }) => negatives.length !== bins || positives.length !== bins))
    throw new RangeError('histograms of different bins');
  return { negatives: add(({ negatives }) => negatives), positives: add(({ positives }) => positives) };
}
