import type { RandomBytes } from '../../crypto/index.js';
import { type ModelSpec, placedLayers, sizeOf } from '../index.js';
import { requireBackend } from './backend.js';
import type { Batch } from './job.js';
import { type Forward, type GradientPart, type Slopes, trainerOf } from './layers/index.js';

export interface Pass {
  readonly rows: number;
  /** Each record's gradient, by layer; layers without weights have none. */
  readonly parts: readonly GradientPart[];
  /** Cross-entropy of each record, in nats, float64. */
  readonly losses: Float64Array;
}

/**
 * Forward and backward for all records at once, in float32 on the tensor backend.
 *
 * Loss: of one logit z, log(1 + e^z) - y z; of K logits, log Σ e^z - z_y. Its derivative by the logits is the
 * predicted probability less the label. A class weight multiplies both, before anything is clipped: a record's
 * contribution stays bounded by C.
 * random: what dropout draws from; null: nothing is dropped.
 * The batch must have passed checkBatch. Results may hold NaN or infinity if the model has diverged.
 * Cost: for dense layers three products of rows x parameters; `floatsPerRecord` floats of memory a record.
 */
export function backpropagate(batch: Batch, random: RandomBytes | null = null): Pass {
  requireBackend();
  const { model, weights, x, y, classWeights } = batch;
  const rows = y.length;
  const layers = placedLayers(model);
  const done: Forward[] = [];
  let values = x;
  for (const { layer, input, output, offset, parameters } of layers) {
    const own = weights.subarray(offset, offset + parameters);
    const forward = trainerOf(layer).run({
      layer,
      input,
      output,
      offset,
      rows,
      x: values,
      weights: own,
      random,
    });
    done.push(forward);
    values = forward.out;
  }
  const losses = new Float64Array(rows);
  let slopes: Slopes = lossSlopes(values, y, losses);
  if (classWeights !== undefined) weigh(slopes, y, losses, classWeights);
  const parts: GradientPart[] = [];
  // Nobody asks what the loss says of the data itself.
  const first = layers.findIndex(({ parameters }) => parameters > 0);
  for (let index = layers.length - 1; index >= first; index--) {
    const { part, dx } = done[index]!.backward(slopes, index > first);
    if (part !== null) parts.unshift(part);
    if (dx !== null) slopes = dx;
  }
  return { rows, parts, losses };
}

/** What one record takes in a pass: bounds how many go through at once. */
export function floatsPerRecord(model: ModelSpec): number {
  return placedLayers(model).reduce(
    (sum, { layer, input, output }) => sum + sizeOf(output) + trainerOf(layer).floats(layer, input),
    model.inputs,
  );
}

/** Derivative of each record's loss by its logits, [rows][outputs]; fills in the losses. In float64, where no e^z overflows. */
function lossSlopes(logits: Float32Array, y: Float32Array, losses: Float64Array): Float32Array {
  const outputs = logits.length / y.length;
  const slopes = new Float32Array(logits.length);
  for (const [row, label] of y.entries()) {
    if (outputs === 1) {
      const z = logits[row]!;
      losses[row] = Math.max(0, z) - label * z + Math.log1p(Math.exp(-Math.abs(z)));
      slopes[row] = 1 / (1 + Math.exp(-z)) - label;
      continue;
    }
    const [from, to] = [row * outputs, (row + 1) * outputs];
    let [most, total] = [Number.NEGATIVE_INFINITY, 0];
    for (let at = from; at < to; at++) most = Math.max(most, logits[at]!);
    for (let at = from; at < to; at++) total += Math.exp(logits[at]! - most);
    losses[row] = most + Math.log(total) - logits[from + label]!;
    for (let at = from; at < to; at++)
      slopes[at] = Math.exp(logits[at]! - most) / total - (at === from + label ? 1 : 0);
  }
  return slopes;
}

function weigh(
  slopes: Float32Array,
  y: Float32Array,
  losses: Float64Array,
  weights: readonly number[],
): void {
  const outputs = slopes.length / y.length;
  for (let row = 0; row < y.length; row++) losses[row]! *= weights[y[row]!]!;
  for (let at = 0; at < slopes.length; at++) slopes[at]! *= weights[y[Math.floor(at / outputs)]!]!;
}
