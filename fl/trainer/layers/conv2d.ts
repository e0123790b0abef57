import {
  add,
  conv2d as convolve,
  matMul,
  pad,
  reverse4d,
  type Tensor4D,
  tensor1d,
  tensor2d,
  tensor4d,
  transpose,
} from '@tensorflow/tfjs-core';
import { type Conv2dLayer, parametersOf, patchesOf, patchSize, type Shape, sizeOf } from '../../index.js';
import { activated, numbersOf, throughActivation } from './activation.js';
import type { Call, TrainLayer } from './rule.js';

/**
 * Forward, and back to the image, by the backend's convolution; back to an image it runs over the slopes with the
 * kernel turned round. The backend has no gradient of the kernel: each record's is its windows times its slopes.
 */
export const conv2d: TrainLayer<Conv2dLayer> = {
  floats: (layer, input) => parametersOf(layer, input) + sizeOf(input),
  run: (call) => {
    const { layer, input, output, rows, x, offset } = call;
    const kernelSize = patchSize(layer, input) * layer.filters;
    const out = numbersOf(() => {
      const sums = add(
        convolve(tensor4d(x, [rows, ...sides(input)]), kernelOf(call), 1, layer.padding),
        tensor1d(call.weights.subarray(kernelSize)),
      );
      return activated(layer.activation, sums);
    });
    return {
      out,
      backward: (slopes, wantsInput) => {
        const d = throughActivation(layer.activation, out, slopes);
        const g = recordGradients(call, d);
        const part = { kind: 'rows', offset, parameters: kernelSize + layer.filters, g } as const;
        return { part, dx: wantsInput ? backToImage(call, d, output) : null };
      },
    };
  },
};

function kernelOf({ layer: { size, filters }, input, weights }: Call<Conv2dLayer>): Tensor4D {
  const channels = input[2]!;
  const kernel = weights.subarray(0, size * size * channels * filters);
  return tensor4d(kernel, [size, size, channels, filters]);
}

/** [rows][kernel, then bias] of each record. */
function recordGradients({ layer, input, rows, x }: Call<Conv2dLayer>, d: Float32Array): Float32Array {
  const { filters } = layer;
  const patch = patchSize(layer, input);
  const parameters = (patch + 1) * filters;
  const positions = d.length / rows / filters;
  const g = new Float32Array(rows * parameters);
  for (let row = 0; row < rows; row++) {
    const windows = patchesOf(layer, input, x, row * sizeOf(input));
    const own = d.subarray(row * positions * filters, (row + 1) * positions * filters);
    const kernel = numbersOf(() =>
      matMul(transpose(tensor2d(windows, [positions, patch])), tensor2d(own, [positions, filters])),
    );
    g.set(kernel, row * parameters);
    const bias = row * parameters + patch * filters;
    for (let at = 0; at < own.length; at++) g[bias + (at % filters)]! += own[at]!;
  }
  return g;
}

function backToImage(call: Call<Conv2dLayer>, d: Float32Array, output: Shape): Float32Array {
  const { layer, rows } = call;
  const frame = layer.padding === 'valid' ? layer.size - 1 : 0;
  return numbersOf(() => {
    const turned = transpose(reverse4d(kernelOf(call), [0, 1]), [0, 1, 3, 2]);
    const slopes = tensor4d(d, [rows, ...sides(output)]);
    const framed =
      frame === 0
        ? slopes
        : pad(slopes, [
            [0, 0],
            [frame, frame],
            [frame, frame],
            [0, 0],
          ]);
    return convolve(framed, turned, 1, layer.padding);
  });
}

function sides(shape: Shape): [number, number, number] {
  return [shape[0]!, shape[1]!, shape[2]!];
}
