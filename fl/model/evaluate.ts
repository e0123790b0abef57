import { strict as assert } from 'node:assert';
import { auroc } from '../evaluate/auroc.js';
import { scoredRows, tiesOf } from '../evaluate/scored.js';
import { type Activation, type ModelSpec, parameterCount, widths } from './spec.js';

/** How a model does on labelled rows. */
export interface Evaluation {
  /** Share of rows where (probability >= 1/2) is the label. */
  readonly accuracy: number;
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  /** Area under the ROC curve, ties counted half; NaN if only one class is there. */
  readonly auroc: number;
}

/**
 * Probability of class 1 for each row; x is [n][inputs], row-major.
 *
 * For display only: `exp` and `tanh` may differ in the last bit between engines, so nothing on chain depends on it.
 */
export function predict(spec: ModelSpec, weights: Float32Array, x: Float32Array): Float64Array {
  return logitsOf(spec, weights, x).map((logit) => 1 / (1 + Math.exp(-logit)));
}

/** Accuracy, loss and AUROC on n rows; x is [n][inputs], y holds n labels 0 or 1. For display only. */
export function evaluate(
  spec: ModelSpec,
  weights: Float32Array,
  x: Float32Array,
  y: ArrayLike<number>,
): Evaluation {
  const scores = logitsOf(spec, weights, x);
  const n = scores.length;
  assert.ok(n > 0 && y.length === n, 'one label a row, and at least one row');
  let right = 0;
  let loss = 0;
  for (let row = 0; row < n; row++) {
    const label = y[row]!;
    assert.ok(label === 0 || label === 1, 'labels are 0 or 1');
    const logit = scores[row]!;
    if (logit >= 0 === (label === 1)) right++;
    // -log σ(m) of the margin m, without overflow on either side.
    const margin = label === 1 ? logit : -logit;
    loss += Math.max(0, -margin) + Math.log1p(Math.exp(-Math.abs(margin)));
  }
  return { accuracy: right / n, loss: loss / n, auroc: auroc(tiesOf(scoredRows(scores, y))) ?? Number.NaN };
}

/** Plain forward pass: the [n] logits, in float64. For display, as `predict`. */
export function logitsOf(spec: ModelSpec, weights: Float32Array, x: Float32Array): Float64Array {
  return forward(spec, weights, x, spec.layers.length);
}

/** What goes into the last layer, [n][its inputs]. */
export function lastInputs(spec: ModelSpec, weights: Float32Array, x: Float32Array): Float64Array {
  return forward(spec, weights, x, spec.layers.length - 1);
}

/** The first so many layers. */
function forward(spec: ModelSpec, weights: Float32Array, x: Float32Array, layers: number): Float64Array {
  assert.equal(weights.length, parameterCount(spec), 'weights fit the model');
  assert.equal(x.length % spec.inputs, 0, 'x holds whole rows');
  const rows = x.length / spec.inputs;
  let values = Float64Array.from(x);
  let offset = 0;
  for (const [index, [inputs, units]] of widths(spec).slice(0, layers).entries()) {
    const activation = spec.layers[index]!.activation;
    const bias = offset + inputs * units;
    const next = new Float64Array(rows * units);
    for (let row = 0; row < rows; row++) {
      for (let unit = 0; unit < units; unit++) {
        let sum = weights[bias + unit]!;
        for (let input = 0; input < inputs; input++)
          sum += values[row * inputs + input]! * weights[offset + input * units + unit]!;
        next[row * units + unit] = activate(activation, sum);
      }
    }
    values = next;
    offset = bias + units;
  }
  return values;
}

function activate(activation: Activation, value: number): number {
  switch (activation) {
    case 'linear':
      return value;
    case 'relu':
      return Math.max(0, value);
    case 'tanh':
      return Math.tanh(value);
    case 'sigmoid':
      return 1 / (1 + Math.exp(-value));
    default:
      return activation satisfies never;
  }
}
