import {
  addDenseGradient,
  type DensePart,
  denseBackward,
  denseForward,
  denseParts,
  type ModelSpec,
  parameterCount,
  type Records,
} from '../../fl/index.js';

/** What the devices of a study train: a model, and its gradient without a tensor library. */
export interface Learner {
  readonly model: ModelSpec;
  /** Sum over records of the gradient of the loss, each clipped to the bound; [parameters], float64. */
  gradientSum(weights: Float32Array | Float64Array, records: Records, bound: number): Float64Array;
}

/**
 * Dense layers with relu between them and one logit a class, or one logit for class 1 of two: softmax or logistic
 * regression where nothing is hidden.
 *
 * Norms of single records need no gradient of their own: of a layer with input a and error e it has the squared norm
 * (‖a‖² + 1) ‖e‖² (Goodfellow 2015, arXiv:1510.01799). Cost: some ns a record and parameter.
 */
export function createNet(inputs: number, hidden: readonly number[], logits: number): Learner {
  const widths = [...hidden, logits];
  const model: ModelSpec = {
    inputs,
    layers: widths.map((units, at) => ({
      kind: 'dense',
      units,
      activation: at < hidden.length ? 'relu' : 'linear',
    })),
  };
  const layers = denseParts(inputs, widths);
  const size = parameterCount(model);
  return { model, gradientSum: (weights, records, bound) => sumOf(layers, size, weights, records, bound) };
}

function sumOf(
  layers: readonly DensePart[],
  size: number,
  weights: Float32Array | Float64Array,
  { x, y }: Records,
  bound: number,
): Float64Array {
  const sum = new Float64Array(size);
  // values[l] goes into layer l; what its outputs are wrong by is errors[l].
  const values = layers.map(({ inputs }) => new Float64Array(inputs));
  const errors = layers.map(({ units }) => new Float64Array(units));
  const width = layers[0]!.inputs;
  const last = layers.length - 1;
  for (let row = 0; row < y.length; row++) {
    const first = values[0]!;
    for (let at = 0; at < width; at++) first[at] = x[row * width + at]!;
    for (let at = 0; at <= last; at++) {
      const outputs = at < last ? values[at + 1]! : errors[last]!;
      denseForward(layers[at]!, weights, values[at]!, outputs, at < last);
    }
    toError(errors[last]!, y[row]!);
    for (let at = last; at > 0; at--)
      denseBackward(layers[at]!, weights, errors[at]!, values[at]!, errors[at - 1]!);
    let squared = 0;
    for (let at = 0; at <= last; at++)
      squared += (squaredNormOf(values[at]!) + 1) * squaredNormOf(errors[at]!);
    const factor = bound / Math.max(bound, Math.sqrt(squared));
    for (let at = 0; at <= last; at++) addDenseGradient(layers[at]!, values[at]!, errors[at]!, factor, sum);
  }
  return sum;
}

/** Logits become probabilities less the label. */
function toError(logits: Float64Array, label: number): void {
  if (logits.length === 1) {
    logits[0] = 1 / (1 + Math.exp(-logits[0]!)) - label;
    return;
  }
  let most = logits[0]!;
  for (let unit = 1; unit < logits.length; unit++) most = Math.max(most, logits[unit]!);
  let total = 0;
  for (let unit = 0; unit < logits.length; unit++) {
    logits[unit] = Math.exp(logits[unit]! - most);
    total += logits[unit]!;
  }
  for (let unit = 0; unit < logits.length; unit++) logits[unit]! /= total;
  logits[label]! -= 1;
}

function squaredNormOf(vector: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < vector.length; at++) sum += vector[at]! * vector[at]!;
  return sum;
}
