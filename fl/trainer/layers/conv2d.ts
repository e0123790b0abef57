import { fused, type Tensor4D, tensor1d, tensor4d } from '@tensorflow/tfjs-core';
import { type Conv2dLayer, parametersOf, patchSize, type Shape, sizeOf } from '../../index.js';
import { activated, numbersOf, throughActivation } from './activation.js';
import { convolveBack } from './conv2dBack.js';
import type { Call, TrainLayer } from './rule.js';

/**
 * Forward by the backend's convolution. The backend has none back to kernel or image; ours are sums over the slopes that
 * are not zero. Each record's kernel gradient: its windows times its slopes, filter by filter. Back to the image: at each
 * position the kernels times its slopes.
 */
export const conv2d: TrainLayer<Conv2dLayer> = {
  floats: (layer, input) => parametersOf(layer, input) + sizeOf(input),
  run: (call) => {
    const { layer, input, rows, x, weights } = call;
    const out = numbersOf(() =>
      activated(layer.activation, (activation) =>
        fused.conv2d({
          x: tensor4d(x, [rows, ...sides(input)]),
          filter: kernelOf(call),
          strides: 1,
          pad: layer.padding,
          bias: tensor1d(weights.subarray(patchSize(layer, input) * layer.filters)),
          activation,
        }),
      ),
    );
    return {
      out,
      backward: (slopes, wantsInput) =>
        convolveBack(call, throughActivation(layer.activation, out, slopes), wantsInput),
    };
  },
};

function kernelOf({ layer: { size, filters }, input, weights }: Call<Conv2dLayer>): Tensor4D {
  const channels = input[2]!;
  const kernel = weights.subarray(0, size * size * channels * filters);
  return tensor4d(kernel, [size, size, channels, filters]);
}

function sides(shape: Shape): [number, number, number] {
  return [shape[0]!, shape[1]!, shape[2]!];
}
