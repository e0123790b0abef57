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
  weights: Float32Array,
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
