import { addDenseGradient, denseBackward, denseForward, denseParts, type ModelSpec } from '../../fl/index.js';
import type { Random } from '../random.js';

/** A network of dense layers: relu between them, one logit at the end. */
export interface NetworkShape {
  readonly inputs: number;
  readonly hidden: readonly number[];
}

/** Layer by layer a kernel [inputs][units] and its bias [units]: the order of a chain's models. */
export type Weights = Float64Array;

export function weightCount(shape: NetworkShape): number {
  return layersOf(shape).reduce((sum, { inputs, units }) => sum + (inputs + 1) * units, 0);
}

/** The same network as the model of a task on the chain. */
export function modelOf({ inputs, hidden }: NetworkShape): ModelSpec {
  return {
    inputs,
    layers: [
      ...hidden.map((units) => ({ kind: 'dense', units, activation: 'relu' }) as const),
      { kind: 'dense', units: 1, activation: 'linear' },
    ],
  };
}

/** Kernels uniform within ±√(6 / (in + out)), biases zero (Glorot and Bengio 2010, equation 16). */
export function startWeights(shape: NetworkShape, random: Random): Weights {
  const weights = new Float64Array(weightCount(shape));
  for (const { inputs, units, offset } of layersOf(shape)) {
    const limit = Math.sqrt(6 / (inputs + units));
    for (let at = 0; at < inputs * units; at++) weights[offset + at] = limit * (2 * random.unit() - 1);
  }
  return weights;
}

/** What a network computes, for one row after another without new memory. */
export interface Network {
  /** The value σ(z) of one row, 0 to 1. */
  value(weights: Weights, row: Float64Array): number;
  /**
   * Adds the row's gradient to `sum`, times `scale`: that of the cross-entropy between the value v and the target y.
   * By the logit it is v − y, as of ½ (y − v)² by v. Returns the cross-entropy in nats.
   */
  addGradient(weights: Weights, row: Float64Array, target: number, scale: number, sum: Float64Array): number;
}

/** Cost of a value: some ns a weight; of a gradient three times that. */
export function createNetwork(shape: NetworkShape): Network {
  const layers = layersOf(shape);
  const outputs = layers.map(({ units }) => new Float64Array(units));
  const errors = layers.map(({ units }) => new Float64Array(units));
  const last = layers.length - 1;
  const logit = (weights: Weights, row: Float64Array): number => {
    if (row.length !== shape.inputs) throw new RangeError(`a row of ${row.length}, not ${shape.inputs}`);
    for (let at = 0; at <= last; at++)
      denseForward(layers[at]!, weights, at === 0 ? row : outputs[at - 1]!, outputs[at]!, at < last);
    return outputs[last]![0]!;
  };
  return {
    value: (weights, row) => 1 / (1 + Math.exp(-logit(weights, row))),
    addGradient: (weights, row, target, scale, sum) => {
      const z = logit(weights, row);
      errors[last]![0] = scale * (1 / (1 + Math.exp(-z)) - target);
      for (let at = last; at >= 0; at--) {
        const from = at === 0 ? row : outputs[at - 1]!;
        addDenseGradient(layers[at]!, from, errors[at]!, 1, sum);
        if (at > 0) denseBackward(layers[at]!, weights, errors[at]!, from, errors[at - 1]!);
      }
      return Math.max(0, z) - target * z + Math.log1p(Math.exp(-Math.abs(z)));
    },
  };
}

const layersOf = ({ inputs, hidden }: NetworkShape) => denseParts(inputs, [...hidden, 1]);
