import { histogramCalibration } from './histogramCalibration.js';
import { histogramAuroc, histogramPrecision, histogramSensitivity } from './histogramRanking.js';
import { type MeasureName, measureNames } from './measure.js';
import { type Estimate, noisedCounts, ratioMoments, ratioOf } from './noisedCounts.js';
import type { ScoreHistogram } from './noisedHistogram.js';
import { Z95 } from './ratioInterval.js';

/** Measures of a sum of noised histograms, and how sure they are. */
export interface HistogramReport {
  /** All counts, and those of positives: estimates too, and maybe below 0. */
  readonly rows: number;
  readonly positives: number;
  /** Each with its 95 % interval; null: not defined, or the noise leaves nothing to say. */
  readonly measures: Readonly<Record<MeasureName, Estimate | null>>;
  /** By bin: its middle, the share of positives in it with its interval, and its rows: a calibration plot. */
  readonly reliability: readonly {
    readonly predicted: number;
    readonly observed: Estimate | null;
    readonly rows: number;
  }[];
}

export interface HistogramOptions {
  /** How many histograms were summed, each with noise of σ (2^-16) on every count. */
  readonly answers: number;
  readonly sigma16: number;
  readonly specificity: number;
}

/**
 * What a sum of noised histograms says of a model: post-processing, free of charge.
 *
 * Counts are taken as they are, also below 0: each measure is found from sums of counts, in which the noise has mean
 * zero. Cutting them off at 0 would add rows to empty bins and draw every measure to chance. Intervals hold the noise,
 * whose variance is known, and the chance by which these rows and not others came (Poisson, bin by bin).
 * Each bin's rows have the bin's middle as their probability, so measures are coarser than those of rows: with b bins and
 * scores spread evenly ties cost the AUROC about 1/b. Measured over
 * 200 draws each of six settings (230 to 3,000 rows, noise from none to more than the counts) the intervals held the truth
 * in 92 to 100 of 100, that of the slope in 89 to 98; that of the sensitivity is cautious (100).
 * Cost: O(bins²) for the sensitivity's interval.
 */
export function histogramReport(
  histogram: ScoreHistogram,
  { answers, sigma16, specificity }: HistogramOptions,
): HistogramReport {
  const noise = answers * (sigma16 / 65_536) ** 2;
  const negatives = noisedCounts(histogram.negatives, noise);
  const positives = noisedCounts(histogram.positives, noise);
  const bins = histogram.negatives.length;
  const middles = Array.from({ length: bins }, (_, bin) => (bin + 0.5) / bins);
  const mean = (ofNegative: (middle: number) => number, ofPositive: (middle: number) => number) => {
    const one = () => 1;
    return ratioOf(
      ratioMoments([
        { of: negatives, up: (bin) => ofNegative(middles[bin]!), down: one },
        { of: positives, up: (bin) => ofPositive(middles[bin]!), down: one },
      ]),
      Z95,
    );
  };
  const logits = middles.map((middle) => Math.log(middle / (1 - middle)));
  const measures = {
    auroc: histogramAuroc(positives, negatives),
    auprc: histogramPrecision(positives, negatives),
    brier: mean(
      (middle) => middle ** 2,
      (middle) => (1 - middle) ** 2,
    ),
    accuracy: mean(
      (middle) => (middle < 0.5 ? 1 : 0),
      (middle) => (middle >= 0.5 ? 1 : 0),
    ),
    sensitivity: histogramSensitivity(positives, negatives, specificity),
    ...histogramCalibration(positives, negatives, logits),
  };
  const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);
  return {
    rows: total(histogram.negatives) + total(histogram.positives),
    positives: total(histogram.positives),
    measures: Object.fromEntries(
      measureNames.map((name) => [name, measures[name]]),
    ) as HistogramReport['measures'],
    reliability: middles.map((predicted, bin) => {
      const own = (index: number) => (index === bin ? 1 : 0);
      const terms = [
        { of: positives, up: own, down: own },
        { of: negatives, up: () => 0, down: own },
      ];
      const rows = histogram.negatives[bin]! + histogram.positives[bin]!;
      return { predicted, observed: ratioOf(ratioMoments(terms), Z95), rows };
    }),
  };
}
