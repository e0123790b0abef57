import { matMul, tensor2d, transpose } from '@tensorflow/tfjs-core';
import type { RandomBytes } from '../../../crypto/index.js';
import { type Shape, sizeOf } from '../../index.js';
import { numbersOf } from '../layers/activation.js';
import { dense as trainDense } from '../layers/dense.js';
import { groupNorm as trainGroupNorm } from '../layers/groupNorm.js';
import { allSlopes, type GradientPart, type Backward as LayerBackward } from '../layers/rule.js';
import { gather, scatter, windowCount, windowSize, windowsOf } from './windows.js';

/** A pass of `rows` records through one layer, values [rows][size]. */
export interface Forward {
  readonly out: Float32Array;
  /** As a TrainLayer's. Without `wantsPart` the part may be null: who asks what the input did to the loss needs no weights. */
  backward(d: Float32Array, wants: { readonly part: boolean; readonly input: boolean }): Backward;
}

export interface Backward extends LayerBackward {
  readonly dx: Float32Array | null;
}

/** A layer in its place. Shapes are [length, channels], or [size] of a flat list. */
export interface NetLayer {
  readonly output: Shape;
  readonly parameters: number;
  readonly start: (random: RandomBytes) => Float32Array;
  run(call: {
    readonly x: Float32Array;
    readonly rows: number;
    readonly weights: Float32Array;
    readonly offset: number;
  }): Forward;
}

/** What follows on values of a shape. */
export type LayerOn = (input: Shape) => NetLayer;

/** All to all; gives [length, channels] if asked to. */
export function dense(output: Shape): LayerOn {
  return (input) => {
    const [inputs, units] = [sizeOf(input), sizeOf(output)];
    const layer = { kind: 'dense', units, activation: 'linear' } as const;
    return {
      output,
      parameters: (inputs + 1) * units,
      start: (random) => kernelAndBias(inputs, units, units, random),
      run: ({ x, rows, weights, offset }) => {
        const call = { layer, input: [inputs], output: [units], rows, x, weights, offset, random: null };
        const { out, backward } = trainDense.run(call);
        return { out, backward: (d, wants) => inFull(backward(d, wants.input)) };
      },
    };
  };
}

function inFull({ part, dx }: LayerBackward): Backward {
  return { part, dx: dx === null ? null : allSlopes(dx) };
}

/** Each record by itself, unlike batch norm, which would let one record into the gradients of the others. */
export function groupNorm(groups: number): LayerOn {
  return (input) => {
    const channels = input.at(-1)!;
    const layer = { kind: 'groupNorm', groups } as const;
    return {
      output: input,
      parameters: 2 * channels,
      start: () => new Float32Array(2 * channels).fill(1, 0, channels),
      run: ({ x, rows, weights, offset }) => {
        const call = { layer, input, output: input, rows, x, weights, offset, random: null };
        const { out, backward } = trainGroupNorm.run(call);
        return { out, backward: (d, wants) => inFull(backward(d, wants.input)) };
      },
    };
  };
}

/** max(x, slope · x): relu with slope 0, DCGAN's discriminator with 0.2. */
export function leakyRelu(slope: number): LayerOn {
  return pointwise(
    (value) => (value > 0 ? value : slope * value),
    (value) => (value > 0 ? 1 : slope),
  );
}

export function tanh(): LayerOn {
  return pointwise(Math.tanh, (value) => 1 - value * value);
}

/** `slope`: from the value that came out, where that decides it. */
function pointwise(value: (x: number) => number, slope: (out: number) => number): LayerOn {
  return (input) => ({
    output: input,
    parameters: 0,
    start: () => new Float32Array(0),
    run: ({ x }) => {
      const out = x.map(value);
      return { out, backward: (d) => ({ part: null, dx: d.map((entry, at) => entry * slope(out[at]!)) }) };
    },
  });
}

/** Strided convolution along the line: [length, channels] to [length / stride, filters]. Kernel [window][filters], then bias. */
export function conv1d(filters: number, stride: number): LayerOn {
  return ([length, channels]) => {
    const windows = windowsOf(length!, channels!, stride);
    const [positions, size] = [windowCount(windows), windowSize(windows)];
    return {
      output: [positions, filters],
      parameters: (size + 1) * filters,
      start: (random) => kernelAndBias(size, filters, filters, random),
      run: ({ x, rows, weights, offset }) => {
        const kernel = weights.subarray(0, size * filters);
        const gathered = gather(windows, x);
        const out = product(gathered, kernel, size, filters);
        addToEach(out, weights.subarray(size * filters));
        return {
          out,
          backward: (d, wants) => {
            const g = () =>
              recordGradients({ rows, a: gathered, inputs: size, d, units: filters, slopes: d, filters });
            return {
              part: wants.part ? partOf(offset, rows, g()) : null,
              dx: wants.input ? scatter(windows, productBack(d, kernel, size, filters)) : null,
            };
          },
        };
      },
    };
  };
}

/**
 * Transposed convolution: [length, channels] to [length · stride, filters], each position spread over a window of the
 * longer line. Kernel [channels][window], then bias [filters].
 */
export function transposed1d(filters: number, stride: number): LayerOn {
  return ([length, channels]) => {
    const windows = windowsOf(length! * stride, filters, stride);
    const [inputs, size] = [channels!, windowSize(windows)];
    return {
      output: [windows.length, filters],
      parameters: inputs * size + filters,
      start: (random) => kernelAndBias(inputs, size, filters, random),
      run: ({ x, rows, weights, offset }) => {
        const kernel = weights.subarray(0, inputs * size);
        const out = scatter(windows, product(x, kernel, inputs, size));
        addToEach(out, weights.subarray(inputs * size));
        return {
          out,
          backward: (d, wants) => {
            const gathered = gather(windows, d);
            const g = () =>
              recordGradients({ rows, a: x, inputs, d: gathered, units: size, slopes: d, filters });
            return {
              part: wants.part ? partOf(offset, rows, g()) : null,
              dx: wants.input ? productBack(gathered, kernel, inputs, size) : null,
            };
          },
        };
      },
    };
  };
}

/** [lines][inputs] times the kernel [inputs][units], by the backend. */
function product(a: Float32Array, kernel: Float32Array, inputs: number, units: number): Float32Array {
  return numbersOf(() => matMul(tensor2d(a, [a.length / inputs, inputs]), tensor2d(kernel, [inputs, units])));
}

/** [lines][units] times the transposed kernel. Transposed explicitly: the backend is slow otherwise. */
function productBack(d: Float32Array, kernel: Float32Array, inputs: number, units: number): Float32Array {
  return numbersOf(() =>
    matMul(tensor2d(d, [d.length / units, units]), transpose(tensor2d(kernel, [inputs, units]))),
  );
}

function addToEach(values: Float32Array, bias: Float32Array): void {
  for (let at = 0; at < values.length; at += bias.length)
    for (let filter = 0; filter < bias.length; filter++) values[at + filter]! += bias[filter]!;
}

/**
 * Each record's gradient: Σ over its lines of a ⊗ d for the kernel, and of its slopes for the bias; record by record, so
 * that none depends on another. [rows][inputs · units + filters]. a: [rows][lines][inputs], d: [rows][lines][units].
 */
function recordGradients({
  rows,
  a,
  inputs,
  d,
  units,
  slopes,
  filters,
}: {
  rows: number;
  a: Float32Array;
  inputs: number;
  d: Float32Array;
  units: number;
  slopes: Float32Array;
  filters: number;
}): Float32Array {
  const width = inputs * units + filters;
  const lines = a.length / inputs / rows;
  const positions = slopes.length / filters / rows;
  const g = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let line = row * lines; line < (row + 1) * lines; line++)
      for (let input = 0; input < inputs; input++) {
        const value = a[line * inputs + input]!;
        if (value === 0) continue;
        const [to, from] = [row * width + input * units, line * units];
        for (let unit = 0; unit < units; unit++) g[to + unit]! += value * d[from + unit]!;
      }
    const bias = row * width + inputs * units;
    for (let position = row * positions; position < (row + 1) * positions; position++)
      for (let filter = 0; filter < filters; filter++)
        g[bias + filter]! += slopes[position * filters + filter]!;
  }
  return g;
}

function partOf(offset: number, rows: number, g: Float32Array): GradientPart {
  return { kind: 'rows', offset, width: g.length / rows, places: null, g };
}

/** A kernel [inputs][units] as fl/model/weights.ts starts one, and zeros for the bias. */
function kernelAndBias(inputs: number, units: number, biases: number, random: RandomBytes): Float32Array {
  const weights = new Float32Array(inputs * units + biases);
  const within = Math.sqrt(6 / (inputs + units));
  const view = new DataView(Uint8Array.from(random(4 * inputs * units)).buffer);
  for (let at = 0; at < inputs * units; at++)
    weights[at] = within * ((view.getUint32(4 * at) + 0.5) / 2 ** 31 - 1);
  return weights;
}
