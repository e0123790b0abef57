import {
  add,
  matMul,
  mul,
  relu,
  sigmoid,
  square,
  step,
  sub,
  type Tensor2D,
  tanh,
  tensor1d,
  tensor2d,
  tidy,
  transpose,
} from '@tensorflow/tfjs-core';
import { type Activation, widths } from '../index.js';
import { requireBackend } from './backend.js';
import type { Batch } from './job.js';

/** One layer of one pass: each record's gradient is inputs ⊗ deltas for the kernel and deltas for the bias. */
export interface LayerPass {
  readonly inputs: number;
  readonly units: number;
  /** What went into the layer, [rows][inputs]. */
  readonly a: Float32Array;
  /** Derivative of the record's loss by the layer's sums, [rows][units]. */
  readonly d: Float32Array;
}

export interface Pass {
  readonly rows: number;
  readonly layers: readonly LayerPass[];
  /** Cross-entropy of each record on its logit, in nats, float64. */
  readonly losses: Float64Array;
}

/**
 * Forward and backward through dense layers for all records at once, in float32 on the tensor backend.
 *
 * Loss: binary cross-entropy on the logit z, log(1 + e^z) - y z; its derivative is σ(z) - y. A class weight
 * multiplies both, before anything is clipped: a record's contribution stays bounded by C.
 * Per-record gradients are not built: their factors a and d are (layer by layer), which is all that clipping
 * needs. Kernels are transposed explicitly, since the backend's transposed product is ten times slower.
 * The batch must have passed checkBatch. Results may hold NaN or infinity if the model has diverged.
 * Cost: three products of rows x parameters, and rows x (sum of widths) floats of memory.
 */
export function backpropagate({ model, weights, x, y, classWeights }: Batch): Pass {
  requireBackend();
  const rows = y.length;
  const layers: LayerPass[] = [];
  const losses = new Float64Array(rows);
  tidy(() => {
    const kernels: Tensor2D[] = [];
    const values: Tensor2D[] = [tensor2d(x, [rows, model.inputs])];
    let offset = 0;
    for (const [index, [inputs, units]] of widths(model).entries()) {
      const end = offset + inputs * units;
      const kernel = tensor2d(weights.subarray(offset, end), [inputs, units]);
      const bias = tensor1d(weights.subarray(end, end + units));
      kernels.push(kernel);
      values.push(activate(model.layers[index]!.activation, add(matMul(values[index]!, kernel), bias)));
      offset = end + units;
    }
    let delta = tensor2d(lossSlopes(floats(values.at(-1)!), y, losses, classWeights), [rows, 1]);
    for (let index = kernels.length - 1; index >= 0; index--) {
      const [inputs, units] = kernels[index]!.shape;
      layers[index] = { inputs, units, a: index === 0 ? x : floats(values[index]!), d: floats(delta) };
      if (index > 0) {
        const back: Tensor2D = matMul(delta, transpose(kernels[index]!));
        delta = mul(back, slope(model.layers[index - 1]!.activation, values[index]!));
      }
    }
  });
  return { rows, layers, losses };
}

/** σ(z) - y for each record, times its class's weight; fills in the losses on the way. In float64, where no sign of z overflows. */
function lossSlopes(
  logits: Float32Array,
  y: Float32Array,
  losses: Float64Array,
  classWeights: readonly number[] = [1, 1],
): Float32Array {
  const slopes = new Float32Array(logits.length);
  for (const [row, z] of logits.entries()) {
    const weight = classWeights[y[row]!]!;
    losses[row] = weight * (Math.max(0, z) - y[row]! * z + Math.log1p(Math.exp(-Math.abs(z))));
    slopes[row] = weight * (1 / (1 + Math.exp(-z)) - y[row]!);
  }
  return slopes;
}

function activate(activation: Activation, sums: Tensor2D): Tensor2D {
  switch (activation) {
    case 'linear':
      return sums;
    case 'relu':
      return relu(sums);
    case 'tanh':
      return tanh(sums);
    case 'sigmoid':
      return sigmoid(sums);
    default:
      return activation satisfies never;
  }
}

/** Derivative of an activation, from its value; relu has 0 at 0. */
function slope(activation: Activation, value: Tensor2D): Tensor2D | number {
  switch (activation) {
    case 'linear':
      return 1;
    case 'relu':
      return step(value);
    case 'tanh':
      return sub(1, square(value));
    case 'sigmoid':
      return mul(value, sub(1, value));
    default:
      return activation satisfies never;
  }
}

function floats(tensor: Tensor2D): Float32Array {
  return tensor.dataSync<'float32'>();
}
