import { drbg, type RandomBytes, utf8ToBytes } from '../../../../crypto/index.js';
import { classCount, type ModelSpec, parameterCount, placedLayers, ruleOf } from '../../../../fl/index.js';

/** Plain float64 loss of one record, by the forward pass that the model's rules define and the definition of the loss. */
export function recordLoss(
  model: ModelSpec,
  weights: Float32Array | Float64Array,
  x: ArrayLike<number>,
  y: number,
): number {
  let values: Float64Array = Float64Array.from(x);
  for (const { layer, input, offset, parameters } of placedLayers(model)) {
    values = ruleOf(layer).forward(layer, input, weights.subarray(offset, offset + parameters), values);
  }
  if (values.length === 1) {
    const p = 1 / (1 + Math.exp(-values[0]!));
    return y === 1 ? -Math.log(p) : -Math.log(1 - p);
  }
  return Math.log(values.reduce((sum, logit) => sum + Math.exp(logit), 0)) - values[y]!;
}

/** Gradient of one record's loss by central differences, error about 1e-9 for smooth models of size 1. */
export function recordGradient(
  model: ModelSpec,
  weights: ArrayLike<number>,
  x: ArrayLike<number>,
  y: number,
): Float64Array {
  const moved = Float64Array.from(weights);
  const step = 1e-5;
  return moved.map((weight, index) => {
    moved[index] = weight + step;
    const above = recordLoss(model, moved, x, y);
    moved[index] = weight - step;
    const below = recordLoss(model, moved, x, y);
    moved[index] = weight;
    return (above - below) / (2 * step);
  });
}

export function norm(values: ArrayLike<number>): number {
  return Math.sqrt(Array.from(values).reduce((sum, value) => sum + value * value, 0));
}

/** Rows and weights from a seed: uniform within ±size. */
export function randomBatch(seed: string, model: ModelSpec, rows: number, size = 1) {
  const random = drbg(utf8ToBytes(seed));
  return {
    model,
    weights: uniform(random, parameterCount(model), 1),
    x: uniform(random, rows * model.inputs, size),
    y: uniform(random, rows, 1).map(
      (value) => Math.floor(((value + 1) / 2) * classCount(model)) % classCount(model),
    ),
  };
}

function uniform(random: RandomBytes, count: number, size: number): Float32Array {
  const view = new DataView(random(4 * count).buffer);
  return Float32Array.from({ length: count }, (_, index) => size * (view.getUint32(4 * index) / 2 ** 31 - 1));
}
