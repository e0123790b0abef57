import {
  type Activation,
  activate,
  checkActivation,
  glorot,
  isCount,
  type LayerRule,
  mustBeImage,
  type Shape,
  UNITS_MAX,
} from './rule.js';

/**
 * A convolution (cross-correlation, as everywhere in learning) of an image with `filters` kernels of size × size and
 * a bias each, stride 1. `same`: the image is framed with zeros and keeps its sides; `valid`: only whole windows.
 */
export interface Conv2dLayer {
  readonly kind: 'conv2d';
  readonly filters: number;
  /** Odd, so that a frame has the same width on all sides. */
  readonly size: number;
  readonly padding: 'same' | 'valid';
  readonly activation: Activation;
}

const SIZE_MAX = 15;

/** Kernel [size, size, channels, filters], then bias [filters]. */
export const conv2d: LayerRule<Conv2dLayer> = {
  check: ({ filters, size, padding, activation }, input) => {
    const [height = 0, width = 0] = input;
    if (!isCount(filters, UNITS_MAX)) return `filters must be a whole number from 1 to ${UNITS_MAX}`;
    if (!isCount(size, SIZE_MAX) || size % 2 === 0) return `size must be an odd number from 1 to ${SIZE_MAX}`;
    if (padding !== 'same' && padding !== 'valid') return `unknown padding ${String(padding)} (same, valid)`;
    const problem = mustBeImage(input);
    if (problem !== null) return problem;
    if (padding === 'valid' && Math.min(height, width) < size)
      return `an image of ${height} × ${width} has no window of ${size} × ${size}`;
    return checkActivation(activation);
  },
  output: (layer, input) => {
    const { top, height, width } = frameOf(layer, input);
    const lost = layer.size - 1 - 2 * top;
    return [height - lost, width - lost, layer.filters];
  },
  tensors: ({ filters, size }, [, , channels]) => {
    const area = size * size;
    return [
      {
        name: 'kernel',
        shape: [size, size, channels!, filters],
        initial: glorot(area * channels!, area * filters),
      },
      { name: 'bias', shape: [filters], initial: 0 },
    ];
  },
  forward: (layer, input, weights, x) => {
    const { filters, activation } = layer;
    const patch = patchSize(layer, input);
    const patches = patchesOf(layer, input, x, 0);
    const out = new Float64Array((patches.length / patch) * filters);
    for (let at = 0; at < out.length; at++) {
      const [from, filter] = [Math.floor(at / filters) * patch, at % filters];
      let sum = weights[patch * filters + filter]!;
      for (let i = 0; i < patch; i++) sum += patches[from + i]! * weights[i * filters + filter]!;
      out[at] = activate(activation, sum);
    }
    return out;
  },
};

/** Entries of one window: size × size × channels. */
export function patchSize({ size }: Conv2dLayer, [, , channels]: Shape): number {
  return size * size * channels!;
}

/** Length of kernel and bias. */
export function parametersOf(layer: Conv2dLayer, input: Shape): number {
  return (patchSize(layer, input) + 1) * layer.filters;
}

/**
 * The windows of one image (at `start` of `values`), one after the other: [positions][size × size × channels], zeros
 * where a window reaches over the frame ("im2col").
 */
export function patchesOf<V extends Float32Array | Float64Array>(
  layer: Conv2dLayer,
  input: Shape,
  values: V,
  start: number,
): V {
  const { size } = layer;
  const { top, height, width } = frameOf(layer, input);
  const channels = input[2]!;
  const [rows, columns] = conv2d.output(layer, input) as [number, number, number];
  const rowBytes = size * channels;
  const patches = new (values.constructor as new (length: number) => V)(rows * columns * size * rowBytes);
  let to = 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const left = column - top;
      const first = Math.max(0, -left);
      const end = Math.min(size, width - left);
      for (let y = row - top; y < row - top + size; y++, to += rowBytes) {
        if (y < 0 || y >= height) continue;
        const from = start + (y * width + left + first) * channels;
        patches.set(values.subarray(from, from + (end - first) * channels) as never, to + first * channels);
      }
    }
  }
  return patches;
}

function frameOf({ size, padding }: Conv2dLayer, [height, width]: Shape) {
  return { top: padding === 'same' ? (size - 1) / 2 : 0, height: height!, width: width! };
}
