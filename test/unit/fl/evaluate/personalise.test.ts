import { describe, expect, it } from 'vitest';
import {
  fitSiteHead,
  fitSiteIntercept,
  HEAD_INPUTS_MAX,
  initialWeights,
  type ModelSpec,
  predict,
} from '../../../../fl/index.js';
import { generator } from '../robust/rounds.js';
import { pairs } from './rows.js';

const { x, y } = pairs();
const logistic: ModelSpec = { inputs: 2, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] };
const shared = Float32Array.from([0.5, 0.25, -0.5]);

const weightsOf = (fitted: ReturnType<typeof fitSiteIntercept>): Float32Array => {
  if (!fitted.ok) throw new Error(fitted.reason);
  return fitted.weights;
};

describe('fitSiteIntercept', () => {
  it('moves the last bias to the maximum of the likelihood (statsmodels 0.15.0, GLM with an offset)', () => {
    const fitted = weightsOf(fitSiteIntercept(logistic, shared, x, y));
    expect([fitted[0], fitted[1]]).toEqual([0.5, 0.25]);
    expect(fitted[2]).toBeCloseTo(-0.5 + 0.8153447324398502, 6);
    const mean = predict(logistic, fitted, x).reduce((sum, p) => sum + p, 0) / 60;
    expect(mean).toBeCloseTo(34 / 60, 6);
    expect([...shared]).toEqual([0.5, 0.25, -0.5]);
  });

  it('has nothing to say with one class', () => {
    expect(
      fitSiteIntercept(
        logistic,
        shared,
        x,
        y.map(() => 1),
      ),
    ).toEqual({ ok: false, reason: 'one-class' });
  });
});

describe('fitSiteHead', () => {
  it('is the minimum that SciPy 1.17.1 finds (BFGS), drawn toward the shared layer', () => {
    const fitted = weightsOf(fitSiteHead(logistic, shared, x, y, 2));
    for (const [index, value] of [1.0830598880376634, -0.21593381563233738, 0.3636037887924426].entries())
      expect(fitted[index]).toBeCloseTo(value, 6);
  });

  it('stays with the shared layer where it is told to, and comes with every label', () => {
    const held = weightsOf(fitSiteHead(logistic, shared, x, y, 1e9));
    for (const [index, value] of shared.entries()) expect(held[index]).toBeCloseTo(value, 5);
    const one = weightsOf(
      fitSiteHead(
        logistic,
        shared,
        x,
        y.map(() => 1),
        1,
      ),
    );
    expect(one[2]).toBeGreaterThan(1);
    const apart = Array.from({ length: 60 }, (_, row) => (x[2 * row]! > 0 ? 1 : 0));
    expect(fitSiteHead(logistic, shared, x, apart, 0.01).ok).toBe(true);
  });

  it('converges where the last steps change the loss by less than doubles tell (seeds 0 to 399)', () => {
    const wide: ModelSpec = { ...logistic, inputs: 6 };
    for (let seed = 0; seed < 400; seed++) {
      const random = generator(seed);
      const rows = Float32Array.from({ length: 360 }, () => 2 * random() - 1);
      const labels = Array.from({ length: 60 }, (_, row) =>
        rows[6 * row]! + rows[6 * row + 1]! / 2 + 2 * random() - 1 > 0 ? 1 : 0,
      );
      expect(fitSiteHead(wide, new Float32Array(7), rows, labels, 1).ok, `seed ${seed}`).toBe(true);
    }
  });

  it('leaves the layers below alone, and works on what they make of a row', () => {
    const deep: ModelSpec = {
      inputs: 2,
      layers: [
        { kind: 'dense', units: 5, activation: 'tanh' },
        { kind: 'dense', units: 1, activation: 'linear' },
      ],
    };
    const before = initialWeights(deep, Uint8Array.of(4));
    const fitted = weightsOf(fitSiteHead(deep, before, x, y, 0.1));
    expect(fitted.subarray(0, 15)).toEqual(before.subarray(0, 15));
    const loss = (weights: Float32Array): number =>
      predict(deep, weights, x).reduce((sum, p, row) => sum - Math.log(y[row] === 1 ? p : 1 - p), 0);
    expect(loss(fitted)).toBeLessThan(0.8 * loss(before));
  });

  it('refuses a layer that is too wide', () => {
    const wide: ModelSpec = { ...logistic, inputs: HEAD_INPUTS_MAX + 1 };
    const weights = new Float32Array(HEAD_INPUTS_MAX + 2);
    expect(fitSiteHead(wide, weights, new Float32Array(HEAD_INPUTS_MAX + 1), [1], 1)).toEqual({
      ok: false,
      reason: 'too-wide',
    });
  });
});
