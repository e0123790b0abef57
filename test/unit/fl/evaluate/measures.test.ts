import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  auroc,
  averagePrecision,
  calibrate,
  measure,
  scoredRows,
  sensitivityAt,
  tiesOf,
} from '../../../../fl/index.js';
import { examples } from './rows.js';

const { logits, labels } = examples();
const rows = scoredRows(logits, labels);

/** Scores with many ties, and labels. */
const someRows = fc.array(fc.tuple(fc.integer({ min: -4, max: 4 }), fc.constantFrom(0, 1)), {
  minLength: 1,
  maxLength: 40,
});
const split = (pairs: readonly (readonly [number, number])[]) =>
  scoredRows(
    pairs.map(([score]) => score),
    pairs.map(([, label]) => label),
  );

describe('measures of 300 rows with ties, against other programs', () => {
  it('are those of scikit-learn 1.9.1 (roc_auc_score, average_precision_score, brier_score_loss, roc_curve)', () => {
    const { measures, positives, rows: count } = measure(rows, 0.9);
    expect([positives, count]).toEqual([110, 300]);
    expect(measures.auroc).toBeCloseTo(0.7682775119617224, 14);
    expect(measures.auprc).toBeCloseTo(0.6456790768569186, 14);
    expect(measures.brier).toBeCloseTo(0.22116003525234076, 14);
    expect(measures.accuracy).toBeCloseTo(0.69, 14);
    expect(measures.sensitivity).toBeCloseTo(0.43636363636363634, 14);
    expect(sensitivityAt(tiesOf(rows), 0.8)).toBeCloseTo(0.5545454545454546, 14);
    expect(sensitivityAt(tiesOf(rows), 0.95)).toBeCloseTo(0.20909090909090908, 14);
  });

  it('are those of statsmodels 0.15.0 (binomial GLM, with and without an offset)', () => {
    const { measures, uncalibrated } = measure(rows, 0.9);
    expect(uncalibrated).toBeNull();
    expect(measures.slope).toBeCloseTo(0.4775001150803695, 8);
    expect(measures.intercept).toBeCloseTo(-0.6323501228013215, 8);
    expect(measures.inTheLarge).toBeCloseTo(-0.9504192528131434, 8);
  });
});

describe('auroc', () => {
  it('is the share of pairs in the right order, by counting pairs', () => {
    fc.assert(
      fc.property(someRows, (pairs) => {
        const positives = pairs.filter(([, label]) => label === 1);
        const negatives = pairs.filter(([, label]) => label === 0);
        let right = 0;
        for (const [a] of positives) for (const [b] of negatives) right += a > b ? 1 : a === b ? 0.5 : 0;
        const expected =
          positives.length * negatives.length === 0 ? null : right / (positives.length * negatives.length);
        expect(auroc(tiesOf(split(pairs)))).toBe(expected);
      }),
    );
  });
});

describe('averagePrecision', () => {
  it('is 5/6 in the example by hand, the share of positives where all scores tie, null without positives', () => {
    // Thresholds: 0.8 finds 1 of 1, 0.4 adds a negative, 0.35 the second positive: 1/2 · 1 + 1/2 · 2/3.
    expect(averagePrecision(tiesOf(scoredRows([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])))).toBeCloseTo(5 / 6, 14);
    expect(averagePrecision(tiesOf(scoredRows([1, 1, 1, 1], [0, 1, 0, 0])))).toBe(0.25);
    expect(averagePrecision(tiesOf(scoredRows([1, 2], [0, 0])))).toBeNull();
  });
});

describe('sensitivityAt', () => {
  it('never allows more false alarms than asked, and finds the most that this allows', () => {
    fc.assert(
      fc.property(someRows, fc.constantFrom(0, 0.5, 0.8, 0.9, 1), (pairs, specificity) => {
        const positives = pairs.filter(([, label]) => label === 1);
        const negatives = pairs.filter(([, label]) => label === 0);
        const found = sensitivityAt(tiesOf(split(pairs)), specificity);
        if (positives.length === 0 || negatives.length === 0) {
          expect(found).toBeNull();
          return;
        }
        const options = [5, ...pairs.map(([score]) => score)].map((threshold) => {
          const alarms = negatives.filter(([score]) => score >= threshold).length;
          const hits = positives.filter(([score]) => score >= threshold).length / positives.length;
          return 1 - alarms / negatives.length >= specificity - 1e-9 ? hits : 0;
        });
        expect(found).toBe(Math.max(...options));
      }),
    );
  });
});

describe('calibrate', () => {
  it('finds a slope of 1 and intercepts of 0 where probabilities are right', () => {
    // Each probability k/10 with ten rows of which k are positive: the likelihood's maximum by construction.
    const exact = [1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((k) =>
      Array.from({ length: 10 }, (_, row) => [Math.log(k / (10 - k)), row < k ? 1 : 0] as const),
    );
    const found = calibrate(split(exact));
    if (!found.ok) throw new Error(found.reason);
    expect(found.slope).toBeCloseTo(1, 9);
    expect(found.intercept).toBeCloseTo(0, 9);
    expect(found.inTheLarge).toBeCloseTo(0, 9);
  });

  it.each<[string, number[], number[], string]>([
    ['one class', [1, 2, 3], [1, 1, 1], 'one-class'],
    ['no rows', [], [], 'one-class'],
    ['classes apart', [1, 2, 3, 4], [0, 0, 1, 1], 'separated'],
    ['classes apart the wrong way', [1, 2, 3, 4], [1, 1, 0, 0], 'separated'],
    ['classes that touch in one score', [1, 2, 2, 3], [0, 0, 1, 1], 'separated'],
    ['a score that never varies', [2, 2, 2, 2], [0, 1, 0, 1], 'separated'],
  ])('makes up no number for %s', (_, scores, own, reason) => {
    expect(calibrate(scoredRows(scores, own))).toEqual({ ok: false, reason });
  });

  it('ends, with a finite slope, for every overlap, however the scores are scaled', () => {
    fc.assert(
      fc.property(
        someRows,
        fc.constantFrom(1e-6, 1, 1e4),
        fc.integer({ min: -50, max: 50 }),
        (pairs, by, shift) => {
          const found = calibrate(
            split(pairs.map(([score, label]) => [(score + shift) * by, label] as const)),
          );
          if (!found.ok) {
            expect(found.reason).not.toBe('not-converged');
            return;
          }
          const plain = calibrate(split(pairs));
          if (!plain.ok) throw new Error('the same rows, scaled');
          expect(found.slope * by).toBeCloseTo(plain.slope, 5);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('counts a row as often as it weighs', () => {
    const weights = rows.weights.map((_, row) => row % 3);
    const repeated = Array.from(rows.scores, (score, row) => [score, rows.labels[row]!] as const).flatMap(
      (row, index) => Array.from({ length: weights[index]! }, () => row),
    );
    const [a, b] = [measure({ ...rows, weights }, 0.9), measure(split(repeated), 0.9)];
    expect([a.rows, a.positives]).toEqual([b.rows, b.positives]);
    for (const [name, value] of Object.entries(a.measures))
      expect(value).toBeCloseTo(b.measures[name as keyof typeof b.measures]!, 10);
  });
});

describe('scoredRows', () => {
  it('takes no score that is not finite and no label but 0 and 1', () => {
    expect(() => scoredRows([Number.NaN], [0])).toThrow();
    expect(() => scoredRows([1], [2])).toThrow();
    expect(() => scoredRows([1, 2], [0])).toThrow();
  });
});
