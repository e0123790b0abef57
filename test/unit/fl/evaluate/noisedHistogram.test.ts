import { describe, expect, it } from 'vitest';
import { drbg, utf8ToBytes } from '../../../../crypto/index.js';
import {
  epsilonMicroOfRho,
  histogramRho,
  isPlausibleHistogram,
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

  it('adds none to public data, and costs nothing then', () => {
    expect(noisedHistogram([0.2], [1], { bins: 2, sigma16: 0 }, random('x'))).toEqual({
      negatives: [0, 0],
      positives: [1, 0],
    });
    expect(histogramRho(0)).toBe(0n);
  });

  it('refuses bins that make no histogram', () => {
    for (const bins of [1, 1_001, 2.5])
      expect(() => noisedHistogram([], [], { bins, sigma16: none }, random('x'))).toThrow(RangeError);
  });
});

describe('isPlausibleHistogram', () => {
  const sigma16 = 3 * 65_536;
  const none = [0, 0, 0, 0];

  it('takes what honest devices release', () => {
    const source = random('honest');
    for (let draw = 0; draw < 200; draw++) {
      const counts = noisedHistogram([0.9, 0.9, 0.9], [1, 1, 1], { bins: 4, sigma16 }, source);
      expect(isPlausibleHistogram(counts, 3, sigma16)).toBe(true);
    }
  });

  it.each([
    ['more rows than there are', none, [4, 0, 0, 0], 3, 0, false],
    ['as many rows as there are', none, [3, 0, 0, 0], 3, 0, true],
    ['rows below nought', [-1, 0, 0, 0], none, 3, 0, false],
    ['rows moved from one cell to another', [-3, 0, 0, 0], [6, 0, 0, 0], 3, 0, false],
    ['a total beyond the noise', none, [19, 19, 19, 19], 3, sigma16, false], // 3 + 8·3·3 = 75
    ['a total within the noise', none, [15, 15, 15, 15], 3, sigma16, true],
    ['a total below the noise', [-19, -19, -19, -19], none, 3, sigma16, false],
    ['a length beyond the noise', [-26, 0, 0, 0], [27, 0, 0, 0], 3, sigma16, false], // 3 + 3·(3 + 8) = 36
    ['a length within the noise', [-25, 0, 0, 0], [25, 0, 0, 0], 3, sigma16, true],
  ] as const)('%s', (_, negatives, positives, rows, sigma, holds) => {
    expect(isPlausibleHistogram({ negatives, positives }, rows, sigma)).toBe(holds);
  });

  it('bears the largest counts', () => {
    const most = new Array<number>(1_000).fill(2 ** 40);
    expect(isPlausibleHistogram({ negatives: most, positives: most }, 10_000, 2 ** 31 - 1)).toBe(false);
  });
});

describe('sumHistograms', () => {
  it('sums hospitals bin by bin', () => {
    const a = { negatives: [1, 2], positives: [3, 4] };
    expect(sumHistograms([a, a, a])).toEqual({ negatives: [3, 6], positives: [9, 12] });
    expect(() => sumHistograms([a, { negatives: [1], positives: [1] }])).toThrow(RangeError);
  });
});
