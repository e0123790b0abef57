import { describe, expect, it } from 'vitest';
import { drbg, utf8ToBytes } from '../../../../crypto/index.js';
import {
  histogramReport,
  type MeasureName,
  measure,
  noisedHistogram,
  type ScoreHistogram,
  scoredRows,
  sumHistograms,
} from '../../../../fl/index.js';
import { examples } from './rows.js';

const { logits, labels } = examples();
const probabilities = logits.map((logit) => 1 / (1 + Math.exp(-logit)));
const exact = (bins: number) =>
  noisedHistogram(probabilities, labels, { bins, sigma16: 0 }, drbg(new Uint8Array()));
const setting = { answers: 1, sigma16: 0, specificity: 0.9 };

describe('histogramReport without noise', () => {
  it('measures as rows are measured whose scores are the middles of their bins', () => {
    for (const bins of [10, 50]) {
      const middles = probabilities.map((p) => (Math.min(bins - 1, Math.floor(p * bins)) + 0.5) / bins);
      const rows = scoredRows(
        middles.map((p) => Math.log(p / (1 - p))),
        labels,
      );
      const { measures } = measure(rows, 0.9);
      const report = histogramReport(exact(bins), setting);
      // Bins that are one tie for AUPRC: those of the top whose rows are hardly more than their chance.
      for (const name of Object.keys(measures) as MeasureName[]) {
        const found = report.measures[name]!;
        if (name === 'auprc') expect(Math.abs(found.value - measures.auprc!)).toBeLessThan(0.05);
        else expect(found.value, `${name} of ${bins}`).toBeCloseTo(measures[name]!, 9);
        expect(found.low).toBeLessThanOrEqual(found.value);
        expect(found.high).toBeGreaterThanOrEqual(found.value);
      }
      expect(report.rows).toBe(labels.length);
      expect(report.positives).toBe(labels.filter((label) => label === 1).length);
    }
  });

  it('comes near the measures of the rows with bins enough', () => {
    const { auroc, sensitivity } = histogramReport(exact(1_000), setting).measures;
    expect(auroc!.value).toBeCloseTo(0.7682775119617224, 12); // every tie of tenths has a bin of its own
    expect(sensitivity!.value).toBeCloseTo(0.43636363636363634, 12);
  });

  it('has intervals as wide as published ones', () => {
    // Hanley and McNeil 1982, their formula at AUROC 0.768: standard error by Q1 = A/(2-A), Q2 = 2A²/(1+A).
    const { auroc } = histogramReport(exact(100), setting).measures;
    const positives = labels.filter((label) => label === 1).length;
    const negatives = labels.length - positives;
    const a = auroc!.value;
    const [q1, q2] = [a / (2 - a), (2 * a * a) / (1 + a)];
    const error = Math.sqrt(
      (a * (1 - a) + (positives - 1) * (q1 - a * a) + (negatives - 1) * (q2 - a * a)) /
        (positives * negatives),
    );
    expect((auroc!.high - auroc!.low) / (2 * 1.96 * error)).toBeGreaterThan(0.8);
    expect((auroc!.high - auroc!.low) / (2 * 1.96 * error)).toBeLessThan(1.25);
  });

  it('plots calibration by bin', () => {
    const { reliability } = histogramReport({ negatives: [3, 0], positives: [1, 0] }, setting);
    expect(reliability[0]).toMatchObject({ predicted: 0.25, rows: 4, observed: { value: 0.25 } });
    expect(reliability[1]).toEqual({ predicted: 0.75, rows: 0, observed: null });
  });
});

describe('histogramReport under noise', () => {
  it.each<[string, ScoreHistogram]>([
    ['no positives', { negatives: [3, 2], positives: [0, 0] }],
    ['positives below nought', { negatives: [3, 2], positives: [-2, 1] }],
    ['nothing', { negatives: [0, 0], positives: [0, 0] }],
  ])('says nothing where nothing is left: %s', (_, histogram) => {
    const { measures } = histogramReport(histogram, { ...setting, sigma16: 65_536 });
    expect(measures).toMatchObject({ auroc: null, auprc: null, sensitivity: null, slope: null });
  });

  it('gives the whole range where the noise drowns the rows', () => {
    const { measures } = histogramReport(exact(20), { ...setting, sigma16: 1_000 * 65_536 });
    expect(measures.auroc).toMatchObject({ low: 0, high: 1 });
    expect(measures.brier).toMatchObject({ low: 0, high: 1 });
    expect(measures.auprc).toBeNull();
  });

  // Of 60 draws of the noise and of 400 rows an interval of 95 % misses 11 or more once in 10,000.
  it('holds the truth in its intervals, which grow with the noise', () => {
    const source = drbg(utf8ToBytes('coverage'));
    const uniform = () => (new DataView(source(4).buffer).getUint32(0) + 0.5) / 2 ** 32;
    const row = () => {
      const label = uniform() < 0.4 ? 1 : 0;
      // Densities 2s and 2(1 - s): AUROC 5/6.
      const score = label === 1 ? Math.sqrt(uniform()) : 1 - Math.sqrt(uniform());
      return { label, score };
    };
    const count = (rows: readonly { label: number; score: number }[], sigma16: number) =>
      noisedHistogram(
        rows.map(({ score }) => score),
        rows.map(({ label }) => label),
        { bins: 10, sigma16 },
        source,
      );
    const many = (length: number) => Array.from({ length }, row);
    const names = ['auroc', 'auprc', 'brier', 'accuracy', 'sensitivity', 'inTheLarge'] as const;
    const truth = histogramReport(count(many(10_000), 0), setting).measures;
    // Binned by ten, pairs of one bin count half.
    expect(truth.auroc!.value).toBeCloseTo(5 / 6, 1);
    for (const sigma of [0, 4]) {
      const sigma16 = sigma * 65_536;
      const held: Record<string, number> = {};
      for (let draw = 0; draw < 60; draw++) {
        const parts = [count(many(200), sigma16), count(many(200), sigma16)];
        const { measures } = histogramReport(sumHistograms(parts), { ...setting, answers: 2, sigma16 });
        for (const name of names) {
          const found = measures[name];
          const inside =
            found === null || (found.low <= truth[name]!.value && truth[name]!.value <= found.high);
          held[name] = (held[name] ?? 0) + (inside ? 1 : 0);
        }
      }
      for (const name of names) expect(held[name], `${name} at σ ${sigma}`).toBeGreaterThan(49);
    }
  });
});
