import type { ModelSpec, Records } from '../../fl/index.js';
import type { Learner } from './net.js';

export function logisticModel(inputs: number): ModelSpec {
  return { inputs, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] };
}

export function logisticLearner(inputs: number): Learner {
  return {
    model: logisticModel(inputs),
    gradientSum: (weights, records, bound) => clippedGradientSum(weights, records, inputs, bound),
  };
}

/** Sum over records of the gradient of the logistic loss, each clipped to the bound; [inputs + 1], float64. */
export function clippedGradientSum(
  weights: Float32Array | Float64Array,
  { x, y }: Records,
  inputs: number,
  bound = 1,
): Float64Array {
  const sum = new Float64Array(inputs + 1);
  for (let row = 0; row < y.length; row++) {
    let logit = weights[inputs]!;
    let squared = 1;
    for (let at = 0; at < inputs; at++) {
      const value = x[row * inputs + at]!;
      logit += value * weights[at]!;
      squared += value * value;
    }
    const error = 1 / (1 + Math.exp(-logit)) - y[row]!;
    const factor = error / Math.max(1, (Math.abs(error) * Math.sqrt(squared)) / bound);
    for (let at = 0; at < inputs; at++) sum[at]! += factor * x[row * inputs + at]!;
    sum[inputs]! += factor;
  }
  return sum;
}

/** Share of the records that a logistic model puts on the right side of 1/2. */
export function accuracyOf(weights: Float32Array | Float64Array, { x, y }: Records, inputs: number): number {
  let right = 0;
  for (let row = 0; row < y.length; row++) {
    let logit = weights[inputs]!;
    for (let at = 0; at < inputs; at++) logit += x[row * inputs + at]! * weights[at]!;
    if (logit >= 0 === (y[row] === 1)) right++;
  }
  return right / y.length;
}

const STEPS = 25;

/**
 * Logistic regression on all records at one place, to the minimum: loss summed over records plus ridge/2 ‖w‖² (not on
 * the bias). Newton's steps; 1 is what scikit-learn takes unasked.
 */
export function centralFit({ x, y }: Records, inputs: number, ridge = 1): Float64Array {
  const size = inputs + 1;
  const weights = new Float64Array(size);
  const row = new Float64Array(size).fill(1);
  for (let step = 0; step < STEPS; step++) {
    const gradient = Float64Array.from(weights, (weight, at) => (at < inputs ? ridge * weight : 0));
    const curvature = Array.from({ length: size }, (_, at) => {
      const line = new Float64Array(size);
      line[at] = at < inputs ? ridge : 1e-9;
      return line;
    });
    for (let record = 0; record < y.length; record++) {
      row.set(x.subarray(record * inputs, (record + 1) * inputs));
      let logit = 0;
      for (let at = 0; at < size; at++) logit += row[at]! * weights[at]!;
      const p = 1 / (1 + Math.exp(-logit));
      for (let i = 0; i < size; i++) {
        gradient[i]! += (p - y[record]!) * row[i]!;
        for (let j = 0; j <= i; j++) curvature[i]![j]! += p * (1 - p) * row[i]! * row[j]!;
      }
    }
    const move = solve(curvature, gradient);
    for (let at = 0; at < size; at++) weights[at]! -= move[at]!;
  }
  return weights;
}

/** Solves A x = b by Cholesky's decomposition; A is given by its lower half, and overwritten. */
function solve(a: Float64Array[], b: Float64Array): Float64Array {
  const n = b.length;
  const x = Float64Array.from(b);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = a[i]![j]!;
      for (let k = 0; k < j; k++) sum -= a[i]![k]! * a[j]![k]!;
      a[i]![j] = i === j ? Math.sqrt(sum) : sum / a[j]![j]!;
    }
    for (let k = 0; k < i; k++) x[i]! -= a[i]![k]! * x[k]!;
    x[i]! /= a[i]![i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i]! -= a[k]![i]! * x[k]!;
    x[i]! /= a[i]![i]!;
  }
  return x;
}
