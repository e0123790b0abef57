import { strict as assert } from 'node:assert';
import { auroc as areaUnderCurve } from '../evaluate/auroc.js';
import { scoredRows, tiesOf } from '../evaluate/scored.js';
import { ruleOf, sizeOf } from './layers/index.js';
import { classCount, type ModelSpec, parameterCount, placedLayers } from './spec.js';

/** How a model does on labelled rows. */
export interface Evaluation {
  /** Share of rows whose label is the class with the highest probability; of two classes at 1/2 class 1. */
  readonly accuracy: number;
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  /** Area under the ROC curve, ties counted half; NaN if only one class is there, or more than two are told apart. */
  readonly auroc: number;
}

/**
 * Probability of class 1 for each row, of a model of two classes; x is [n][inputs], row-major.
 *
 * For display only: `exp` and `tanh` may differ in the last bit between engines, so nothing on chain depends on it.
 */
export function predict(spec: ModelSpec, weights: Float32Array, x: Float32Array): Float64Array {
  assert.equal(classCount(spec), 2, 'a model of two classes');
  return logitsOf(spec, weights, x).map((logit) => 1 / (1 + Math.exp(-logit)));
}

/** Accuracy, loss and AUROC on n rows; x is [n][inputs], y holds n labels from 0. For display only. */
export function evaluate(
  spec: ModelSpec,
  weights: Float32Array,
  x: Float32Array,
  y: ArrayLike<number>,
): Evaluation {
  const scores = logitsOf(spec, weights, x);
  const n = y.length;
  const outputs = scores.length / n;
  assert.ok(n > 0 && x.length === n * spec.inputs, 'one label a row, and at least one row');
  const classes = classCount(spec);
  let right = 0;
  let loss = 0;
  for (let row = 0; row < n; row++) {
    const label = y[row]!;
    assert.ok(Number.isInteger(label) && label >= 0 && label < classes, 'labels are classes, from 0');
    const found =
      outputs === 1 ? judgeLogit(scores[row]!, label) : judgeLogits(scores, row * outputs, outputs, label);
    if (found.right) right++;
    loss += found.loss;
  }
  const auroc = outputs === 1 ? areaUnderCurve(tiesOf(scoredRows(scores, y))) : null;
  return { accuracy: right / n, loss: loss / n, auroc: auroc ?? Number.NaN };
}

function judgeLogit(logit: number, label: number): { right: boolean; loss: number } {
  // -log σ(m) of the margin m, without overflow on either side.
  const margin = label === 1 ? logit : -logit;
  const loss = Math.max(0, -margin) + Math.log1p(Math.exp(-Math.abs(margin)));
  return { right: logit >= 0 === (label === 1), loss };
}

function judgeLogits(scores: Float64Array, start: number, count: number, label: number) {
  const row = scores.subarray(start, start + count);
  const most = Math.max(...row);
  const total = row.reduce((sum, logit) => sum + Math.exp(logit - most), 0);
  return { right: row.indexOf(most) === label, loss: most + Math.log(total) - row[label]! };
}

/** Plain forward pass: the logits, [n][outputs] of the last layer, in float64. For display, as `predict`. */
export function logitsOf(spec: ModelSpec, weights: Float32Array, x: Float32Array): Float64Array {
  return forward(spec, weights, x, spec.layers.length);
}

/** What goes into the last layer, [n][its inputs]. */
export function lastInputs(spec: ModelSpec, weights: Float32Array, x: Float32Array): Float64Array {
  return forward(spec, weights, x, spec.layers.length - 1);
}

/** The first `count` layers; [n][outputs of the last of them]. */
function forward(spec: ModelSpec, weights: Float32Array, x: Float32Array, count: number): Float64Array {
  assert.equal(weights.length, parameterCount(spec), 'weights fit the model');
  assert.equal(x.length % spec.inputs, 0, 'x holds whole rows');
  const layers = placedLayers(spec).slice(0, count);
  const outputs = layers.length === 0 ? spec.inputs : sizeOf(layers.at(-1)!.output);
  const all = new Float64Array((x.length / spec.inputs) * outputs);
  for (let row = 0; row * spec.inputs < x.length; row++) {
    let values: Float64Array = Float64Array.from(x.subarray(row * spec.inputs, (row + 1) * spec.inputs));
    for (const { layer, input, offset, parameters } of layers)
      values = ruleOf(layer).forward(layer, input, weights.subarray(offset, offset + parameters), values);
    all.set(values, row * outputs);
  }
  return all;
}
