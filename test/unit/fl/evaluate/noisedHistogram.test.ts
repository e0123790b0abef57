import { describe, expect, it } from 'vitest';
import { drbg, utf8ToBytes } from '../../../../crypto/index.js';
import {
  epsilonMicroOfRho,
  histogramMeasures,
  histogramRho,
  noisedHistogram,
  sumHistograms,
} from '../../../../fl/index.js';
import { examples } from './rows.js';

const { logits, labels } = examples();
const probabilities = logits.map((logit) => 1 / (1 + Math.exp(-logit)));
const random = (text: string) => drbg(utf8ToBytes(text));
/** σ of a thousandth: a draw but zero has a probability below exp(-10^5). */
const none = 65;

function exact(bins: number) {
  return noisedHistogram(probabilities, labels, { bins, sigma16: none }, random('none'));
}

describe('noisedHistogram', () => {
  it('counts each row in one cell, by label and probability', () => {
    const { negatives, positives } = exact(4);
    const count = (label: number, bin: number): number =>
      probabilities.filter((p, row) => labels[row] === label && Math.floor(4 * p) === bin).length;
    expect(negatives).toEqual([0, 1, 2, 3].map((bin) => count(0, bin)));
    expect(positives).toEqual([0, 1, 2, 3].map((bin) => count(1, bin)));
  });

  it('puts a probability of 1 into the last bin', () => {
    expect(noisedHistogram([1], [1], { bins: 2, sigma16: none }, random('x')).positives).toEqual([0, 1]);
  });

  it('adds noise of the standard deviation that it is charged for', () => {
    const sigma = 3;
    const { negatives, positives } = noisedHistogram(
      [],
      [],
      { bins: 1_000, sigma16: sigma * 65_536 },
      random('n'),
    );
    const noise = [...negatives, ...positives];
    const mean = noise.reduce((sum, value) => sum + value, 0) / noise.length;
    const variance = noise.reduce((sum, value) => sum + (value - mean) ** 2, 0) / noise.length;
    expect(Math.abs(mean)).toBeLessThan((5 * sigma) / Math.sqrt(2_000));
    expect(Math.abs(variance / sigma ** 2 - 1)).toBeLessThan(5 * Math.sqrt(2 / 2_000));
    expect(noise.every(Number.isInteger)).toBe(true);
  });

  it('costs ρ = 1/(2σ²) whatever its bins: one row moves one count by one', () => {
    expect(histogramRho(65_536)).toBe(2n ** 39n);
    expect(histogramRho(3 * 65_536)).toBe(2n ** 40n / 18n + 1n);
    // By the exact Gaussian curve σ = 3 at δ = 1e-5 is ε = 1.36 (Balle and Wang 2018, as gaussian-curve.json has it).
    expect(epsilonMicroOfRho(histogramRho(3 * 65_536), 10_000_000) / 1e6).toBeGreaterThan(1);
    const [a, b] = [
      exact(50),
      noisedHistogram(probabilities.slice(1), labels.slice(1), { bins: 50, sigma16: none }, random('none')),
    ];
    const moved = [...a.negatives, ...a.positives].map(
      (value, cell) => value - [...b.negatives, ...b.positives][cell]!,
    );
    expect(moved.reduce((sum, value) => sum + value * value, 0)).toBe(1);
  });

  it('refuses bins that make no histogram', () => {
    for (const bins of [1, 1_001, 2.5])
      expect(() => noisedHistogram([], [], { bins, sigma16: none }, random('x'))).toThrow(RangeError);
  });
});

describe('histogramMeasures', () => {
  it('comes near the measures of the rows with bins enough, and with noise that is small beside the counts', () => {
    const fine = histogramMeasures(exact(1_000), 0.9);
    expect(fine.auroc).toBeCloseTo(0.7682775119617224, 12); // every tie of tenths has a bin of its own
    expect(fine.auprc).toBeCloseTo(0.6456790768569186, 12);
    expect(fine.sensitivity).toBeCloseTo(0.43636363636363634, 12);
    expect(histogramMeasures(exact(20), 0.9).auroc).toBeCloseTo(0.768, 1);
    const hundredfold = Array.from({ length: 100 }, () => exact(20));
    const noise = noisedHistogram([], [], { bins: 20, sigma16: 3 * 65_536 }, random('small'));
    const noised = histogramMeasures(sumHistograms([...hundredfold, noise]), 0.9);
    expect(Math.abs(noised.auroc! - histogramMeasures(exact(20), 0.9).auroc!)).toBeLessThan(0.002);
  });

  it('takes counts that noise pushed below zero for zero', () => {
    const found = histogramMeasures({ negatives: [3, -2], positives: [-1, 4] }, 0.9);
    expect(found.auroc).toBe(1);
    expect(found.reliability).toEqual([
      { predicted: 0.25, observed: 0, rows: 3 },
      { predicted: 0.75, observed: 1, rows: 4 },
    ]);
    expect(histogramMeasures({ negatives: [-1, 0], positives: [0, -1] }, 0.9)).toMatchObject({ auroc: null });
  });

  it('sums hospitals bin by bin', () => {
    const a = { negatives: [1, 2], positives: [3, 4] };
    expect(sumHistograms([a, a, a])).toEqual({ negatives: [3, 6], positives: [9, 12] });
    expect(() => sumHistograms([a, { negatives: [1], positives: [1] }])).toThrow(RangeError);
  });
});
