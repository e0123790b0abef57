import { drbg, type RandomBytes, utf8ToBytes } from '../../../../crypto/index.js';
import { type Activation, type ModelSpec, parameterCount } from '../../../../fl/index.js';

/** Plain float64 loss of one record, written without looking at the trainer: loops and the definition. */
export function recordLoss(
  model: ModelSpec,
  weights: ArrayLike<number>,
  x: ArrayLike<number>,
  y: number,
): number {
  let values = Array.from(x);
  let offset = 0;
  for (const { units, activation } of model.layers) {
    const next: number[] = [];
    for (let unit = 0; unit < units; unit++) {
      let sum = weights[offset + values.length * units + unit]!;
      for (const [input, value] of values.entries()) sum += value * weights[offset + input * units + unit]!;
      next.push(apply(activation, sum));
    }
    offset += values.length * units + units;
    values = next;
  }
  const p = 1 / (1 + Math.exp(-values[0]!));
  return y === 1 ? -Math.log(p) : -Math.log(1 - p);
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
    y: uniform(random, rows, 1).map((value) => (value > 0 ? 1 : 0)),
  };
}

function uniform(random: RandomBytes, count: number, size: number): Float32Array {
  const view = new DataView(random(4 * count).buffer);
  return Float32Array.from({ length: count }, (_, index) => size * (view.getUint32(4 * index) / 2 ** 31 - 1));
}

function apply(activation: Activation, sum: number): number {
  if (activation === 'relu') return Math.max(0, sum);
  if (activation === 'tanh') return Math.tanh(sum);
  if (activation === 'sigmoid') return 1 / (1 + Math.exp(-sum));
  return sum;
}
