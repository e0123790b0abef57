import { type ModelSpec, parameterCount, type Records } from '../../fl/index.js';

/** What the devices of a study train: a model, and its gradient without a tensor library. */
export interface Learner {
  readonly model: ModelSpec;
  /** Sum over records of the gradient of the loss, each clipped to the bound; [parameters], float64. */
  gradientSum(weights: Float32Array | Float64Array, records: Records, bound: number): Float64Array;
}

/** One dense layer: its kernel [inputs][units] starts at `offset`, its bias behind it. */
interface Layer {
  readonly inputs: number;
  readonly units: number;
  readonly offset: number;
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
  let offset = 0;
  const layers = widths.map((units, at): Layer => {
    const layer = { inputs: widths[at - 1] ?? inputs, units, offset };
    offset += (layer.inputs + 1) * units;
    return layer;
  });
  const size = parameterCount(model);
  return { model, gradientSum: (weights, records, bound) => sumOf(layers, size, weights, records, bound) };
}

function sumOf(
  layers: readonly Layer[],
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
      forward(layers[at]!, weights, values[at]!, outputs);
      if (at < last)
        for (let unit = 0; unit < outputs.length; unit++) outputs[unit] = Math.max(0, outputs[unit]!);
    }
    toError(errors[last]!, y[row]!);
    for (let at = last; at > 0; at--)
      backward(layers[at]!, weights, errors[at]!, values[at]!, errors[at - 1]!);
    let squared = 0;
    for (let at = 0; at <= last; at++)
      squared += (squaredNormOf(values[at]!) + 1) * squaredNormOf(errors[at]!);
    const factor = bound / Math.max(bound, Math.sqrt(squared));
    for (let at = 0; at <= last; at++) addGradient(sum, layers[at]!, values[at]!, errors[at]!, factor);
  }
  return sum;
}

function forward(
  { inputs, units, offset }: Layer,
  weights: Float32Array | Float64Array,
  from: Float64Array,
  to: Float64Array,
): void {
  const bias = offset + inputs * units;
  for (let unit = 0; unit < units; unit++) to[unit] = weights[bias + unit]!;
  for (let input = 0; input < inputs; input++) {
    const value = from[input]!;
    if (value === 0) continue;
    const start = offset + input * units;
    for (let unit = 0; unit < units; unit++) to[unit]! += value * weights[start + unit]!;
  }
}

/** What the layer's inputs, outputs of a relu, are wrong by. */
function backward(
  { inputs, units, offset }: Layer,
  weights: Float32Array | Float64Array,
  errors: Float64Array,
  values: Float64Array,
  to: Float64Array,
): void {
  for (let input = 0; input < inputs; input++) {
    let sum = 0;
    const start = offset + input * units;
    if (values[input]! > 0)
      for (let unit = 0; unit < units; unit++) sum += weights[start + unit]! * errors[unit]!;
    to[input] = sum;
  }
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

function addGradient(
  sum: Float64Array,
  { inputs, units, offset }: Layer,
  values: Float64Array,
  errors: Float64Array,
  factor: number,
): void {
  for (let input = 0; input < inputs; input++) {
    const value = factor * values[input]!;
    if (value === 0) continue;
    const start = offset + input * units;
    for (let unit = 0; unit < units; unit++) sum[start + unit]! += value * errors[unit]!;
  }
  const bias = offset + inputs * units;
  for (let unit = 0; unit < units; unit++) sum[bias + unit]! += factor * errors[unit]!;
}

function squaredNormOf(vector: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < vector.length; at++) sum += vector[at]! * vector[at]!;
  return sum;
}
