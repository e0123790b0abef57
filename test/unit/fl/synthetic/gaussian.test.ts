import { describe, expect, it } from 'vitest';
import {
  checkSynthesis,
  conform,
  drawLabels,
  encodedWidth,
  gaussianEpsilon,
  noisedClassCounts,
  placesOf,
  synthesiseGaussian,
} from '../../../../fl/index.js';
import { putProducts } from '../../../../fl/synthetic/gaussian.js';
import { intoUnitBall, noisedSum } from '../../../../fl/synthetic/noisedSum.js';
import { jobOf, meanOf, schema, seeded, table } from './jobs.js';

const width = encodedWidth(schema);
const lengthOf = (values: ArrayLike<number>) =>
  Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));

describe('a row that keeps the schema', () => {
  it('is left as it is', () => {
    const { x } = table(50, 'rows');
    const before = x.slice();
    conform(x, placesOf(schema), width);
    expect(x).toEqual(before);
  });

  it('comes of any numbers: bounds, indicators of 0 or 1, nothing where it is missing, one category', () => {
    const x = Float32Array.from([9, -9, 0.4, 0.2, 0.1, 0.3, -9, 3, 0.5, -1, -2, -3]);
    conform(x, placesOf(schema), width);
    expect([...x]).toEqual([5, -4, 0, 0, 0, 1, -4, 0, 1, 1, 0, 0]);
  });
});

describe('the Gaussian generator', () => {
  it('spends what its releases amount to, and no more than the budget', () => {
    for (const epsilonMicro of [500_000, 8_000_000]) {
      const { spent, releases } = synthesiseGaussian(jobOf(60, { epsilonMicro }), seeded('a'));
      const precision = releases.reduce((sum, { sigma, rounds, rate }) => {
        expect([rounds, rate]).toEqual([1, 1]);
        return sum + 1 / (sigma * sigma);
      }, 0);
      expect(releases.map(({ what }) => what)).toEqual(['counts', 'means', 'covariance']);
      const together = gaussianEpsilon({ sigma: 1 / Math.sqrt(precision), rounds: 1, delta: 1e-5 });
      expect(spent.epsilon).toBeCloseTo(together, 4);
      expect(spent.epsilon).toBeLessThanOrEqual(epsilonMicro / 1e6);
      expect(spent.epsilon).toBeGreaterThan((0.99 * epsilonMicro) / 1e6);
    }
  });

  it('moves no release by more than 1 for one record', () => {
    const far = Float32Array.from([300, -400, 1, 0, 1, 0, 0.1, 0.2, 0, 0, 0, 1]);
    const unit = intoUnitBall(far, width, 2);
    const rows = [unit.subarray(0, width), unit.subarray(width)];
    expect(lengthOf(rows[0]!)).toBeCloseTo(1, 12);
    expect(lengthOf(rows[1]!)).toBeCloseTo(lengthOf([0.1, 0.2, 1]) / 2, 6);
    for (const row of rows) {
      const products: number[] = [];
      putProducts(row, (at, value) => (products[at] = value));
      expect(products).toHaveLength((width * (width + 1)) / 2);
      expect(lengthOf(products)).toBeCloseTo(lengthOf(row) ** 2, 12);
    }
  });

  it('puts noise of σ on every entry of a sum', () => {
    const dimension = 2_000;
    const noise = noisedSum({ dimension, sigma16: 3 * 65_536, records: 0 }, () => {}, seeded('noise'));
    const deviation = lengthOf(noise) / Math.sqrt(dimension);
    expect(deviation).toBeGreaterThan(2.8);
    expect(deviation).toBeLessThan(3.2);
  });

  it('counts classes to about σ, and never below 1', () => {
    const y = Float32Array.from({ length: 300 }, (_, row) => (row < 100 ? 2 : 0));
    const counts = noisedClassCounts(y, 3, 65_536, seeded('counts'));
    expect(Math.abs(counts[0]! - 200)).toBeLessThan(6);
    expect(counts[1]!).toBeGreaterThanOrEqual(1);
    expect(Math.abs(counts[2]! - 100)).toBeLessThan(6);
    const labels = drawLabels(3_000, Float64Array.from([1, 2]), seeded('labels'));
    expect(labels.reduce((sum, label) => sum + label, 0) / 3_000).toBeCloseTo(2 / 3, 1);
  });

  it('makes rows of the schema with the classes’ means and shares, the same for the same source', () => {
    const job = jobOf(3_000, { rows: 2_000 });
    const { records } = synthesiseGaussian(job, seeded('rows'));
    expect(records).toEqual(synthesiseGaussian(job, seeded('rows')).records);
    const kept = records.x.slice();
    conform(kept, placesOf(schema), width);
    expect(kept).toEqual(records.x);
    expect(records.y).toHaveLength(2_000);
    for (const label of [0, 1])
      for (const column of [0, 3])
        expect(
          Math.abs(meanOf(records.x, records.y, column, label) - meanOf(job.x, job.y, column, label)),
        ).toBeLessThan(0.4); // long rows were scaled down
    expect(records.y.reduce((sum, label) => sum + label, 0) / 2_000).toBeCloseTo(1 / 3, 1);
  });

  it('makes rows of one class alone where that is asked for, at the same cost', () => {
    const job = jobOf(3_000, { rows: 2_000 });
    const all = synthesiseGaussian(job, seeded('rows'));
    const { records, ...rest } = synthesiseGaussian(job, seeded('rows'), 1);
    expect(records.y).toEqual(new Float32Array(2_000).fill(1));
    expect(Math.abs(meanOf(records.x, records.y, 0, 1) - meanOf(job.x, job.y, 0, 1))).toBeLessThan(0.4);
    expect(rest).toEqual({ spent: all.spent, releases: all.releases });
    for (const only of [-1, 2, 0.5])
      expect(() => synthesiseGaussian(job, seeded('rows'), only)).toThrow('a class of the schema');
  });

  it('makes rows even where noise is all there is', () => {
    const { records } = synthesiseGaussian(jobOf(2, { epsilonMicro: 1_000 }), seeded('noise'));
    expect(records.x.every(Number.isFinite)).toBe(true);
  });

  it.each([
    ['a number that is not finite', { x: new Float32Array(60 * width).fill(Number.NaN) }, /not finite/],
    ['rows of another width', { x: new Float32Array(7) }, /encode them by this schema/],
    ['a class that the schema has not', { y: new Float32Array(60).fill(2) }, /none of the classes/],
    ['one record', { x: new Float32Array(width), y: new Float32Array(1) }, /learns from 2/],
    ['no ε', { epsilonMicro: 0 }, /ε must/],
    ['no δ', { deltaPico: 0 }, /δ must/],
    ['too many rows', { rows: 1e6 }, /make 1 to/],
  ])('refuses %s', (_, more, reason) => {
    const job = jobOf(60, more);
    expect(checkSynthesis(job)).toMatch(reason);
    expect(() => synthesiseGaussian(job, seeded('a'))).toThrow(reason);
  });
});
