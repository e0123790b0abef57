import type { RandomBytes } from '../../crypto/index.js';
import { createDiscreteGaussian } from '../privacy/discreteGaussian.js';
import { roundRho } from '../privacy/rho.js';
import { auroc } from './auroc.js';
import { averagePrecision } from './averagePrecision.js';
import type { Tie } from './scored.js';
import { sensitivityAt } from './sensitivity.js';

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
 * sigma16: σ in 2^-16, above 0. random: the operating system's generator outside tests.
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
  const noise = createDiscreteGaussian(random, sigma * sigma, 1n << 32n);
  const [negatives, positives] = counts.map((cells) => cells.map((count) => count + noise()));
  return { negatives: negatives!, positives: positives! };
}

/** What one noisedHistogram costs the ledger: ρ in 2^-40. */
export function histogramRho(sigma16: number): bigint {
  return roundRho(sigma16);
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

export interface HistogramMeasures {
  readonly auroc: number | null;
  readonly auprc: number | null;
  readonly sensitivity: number | null;
  /** By bin: its middle, the share of positives in it (null if it is empty), and its rows: a calibration plot. */
  readonly reliability: readonly {
    readonly predicted: number;
    readonly observed: number | null;
    readonly rows: number;
  }[];
}

/**
 * Measures of a histogram, noised or not: rows of one bin count as ties, counts below 0 as 0. Post-processing, free
 * of charge. Coarser than those of rows: with b bins and scores spread evenly, ties cost the AUROC about 1/b.
 */
export function histogramMeasures(
  { negatives, positives }: ScoreHistogram,
  specificity: number,
): HistogramMeasures {
  const cells = negatives.map((count, bin): Tie => {
    return { negatives: Math.max(0, count), positives: Math.max(0, positives[bin]!) };
  });
  const ties = cells.filter((tie) => tie.positives + tie.negatives > 0);
  const reliability = cells.map((cell, bin) => {
    const rows = cell.positives + cell.negatives;
    return {
      predicted: (bin + 0.5) / cells.length,
      observed: rows === 0 ? null : cell.positives / rows,
      rows,
    };
  });
  return {
    auroc: auroc(ties),
    auprc: averagePrecision(ties),
    sensitivity: sensitivityAt(ties, specificity),
    reliability,
  };
}
