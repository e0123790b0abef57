import { type Estimate, type NoisedCounts, ratioMoments, ratioOf } from './noisedCounts.js';
import { type RatioMoments, unit, Z95, Z975 } from './ratioInterval.js';

/**
 * AUROC of noised counts: pairs in the right order over all pairs, both sums of products of a positive's and a negative's
 * count, whose noises are independent, so neither is shifted by them. The variance is at most too large.
 */
export function histogramAuroc(positives: NoisedCounts, negatives: NoisedCounts): Estimate | null {
  const total = { up: sum(positives.counts), down: sum(negatives.counts) };
  if (!(total.up > 0 && total.down > 0)) return null;
  let [numerator, constant, linear, square] = [0, 0, 0, 0];
  const add = (of: NoisedCounts, bin: number, right: number, others: number): void => {
    const variance = of.variances[bin]!;
    constant += variance * right * right;
    linear += variance * right * others;
    square += variance * others * others;
  };
  let below = 0;
  for (const [bin, count] of negatives.counts.entries()) {
    const right = below + count / 2;
    numerator += positives.counts[bin]! * right;
    add(positives, bin, right, total.down);
    below += count;
  }
  let above = total.up;
  for (const [bin, count] of positives.counts.entries()) {
    add(negatives, bin, above - count / 2, total.up);
    above -= count;
  }
  const moments: RatioMoments = { numerator, denominator: total.up * total.down, constant, linear, square };
  return ratioOf(moments, Z95);
}

/**
 * Sensitivity at the lowest threshold whose specificity is at least the one that is asked for. Which threshold that is,
 * is noised too: the interval spans the sensitivities of every threshold that may be it.
 */
export function histogramSensitivity(
  positives: NoisedCounts,
  negatives: NoisedCounts,
  specificity: number,
): Estimate | null {
  const bins = positives.counts.length;
  const at = (threshold: number) =>
    ratioOf(ratioMoments([{ of: positives, up: (bin) => (bin >= threshold ? 1 : 0), down: () => 1 }]), Z975);
  /** How far the specificity of a threshold lies above the one asked for, in standard deviations. */
  const ahead = (threshold: number): number => {
    if (threshold <= 0 || threshold >= bins) return threshold <= 0 ? -Infinity : Infinity;
    const up = (bin: number) => (bin < threshold ? 1 : 0) - specificity;
    const { numerator, constant } = ratioMoments([{ of: negatives, up, down: () => 1 }]);
    return numerator / Math.sqrt(constant);
  };
  if (!(sum(negatives.counts) > 0)) return null;
  let below = 0;
  for (let threshold = 0; threshold <= bins; threshold++) if (ahead(threshold) < 0) below++;
  const found = at(below);
  if (found === null) return null;
  let { low, high } = found;
  for (let threshold = 1; threshold <= bins; threshold++) {
    if (ahead(threshold) < -Z975 || ahead(threshold - 1) > Z975) continue;
    const may = at(threshold)!;
    low = Math.min(low, may.low);
    high = Math.max(high, may.high);
  }
  return { value: found.value, low, high };
}

/** Bins from the top are taken together until their rows exceed their standard deviation so many times. */
const STEADY = 4;

/**
 * Average precision. Of the highest bins so many are one tie that their precision is no mere noise. The interval is by
 * the delta method, roughly right where the rows outnumber the noise; null where they don't.
 */
export function histogramPrecision(positives: NoisedCounts, negatives: NoisedCounts): Estimate | null {
  const bins = positives.counts.length;
  let [taken, variance, top] = [0, 0, bins];
  while (top > 0 && !(taken > STEADY * Math.sqrt(variance))) {
    top--;
    taken += positives.counts[top]! + negatives.counts[top]!;
    variance += positives.variances[top]! + negatives.variances[top]!;
  }
  const totalVariance = sum(positives.variances);
  const total = sum(positives.counts);
  if (top === 0 || !(total > STEADY * Math.sqrt(totalVariance))) return null;
  const tied = (counts: readonly number[]) => [...counts.slice(0, top), sum(counts.slice(top))];
  const cells = [tied(positives.counts), tied(negatives.counts)];
  const variances = [tied(positives.variances), tied(negatives.variances)];
  const value = averagePrecision(cells[0]!, cells[1]!);
  let square = 0;
  for (const [label, counts] of cells.entries())
    for (const [bin, count] of counts.entries()) {
      const step = Math.max(1e-3, Math.abs(count) * 1e-4);
      counts[bin] = count + step;
      const slope = (averagePrecision(cells[0]!, cells[1]!) - value) / step;
      counts[bin] = count;
      square += slope * slope * variances[label]![bin]!;
    }
  const half = Z95 * Math.sqrt(square);
  return { value: unit(value), low: unit(value - half), high: unit(value + half) };
}

function averagePrecision(positives: readonly number[], negatives: readonly number[]): number {
  let [hits, taken, area] = [0, 0, 0];
  for (let bin = positives.length - 1; bin >= 0; bin--) {
    hits += positives[bin]!;
    taken += positives[bin]! + negatives[bin]!;
    area += positives[bin]! * (hits / taken);
  }
  return area / hits;
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0);
}
