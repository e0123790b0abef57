import type { RandomBytes } from '../../../crypto/index.js';
import { type Shape, sizeOf } from '../../index.js';
import type { GradientPart } from '../layers/rule.js';
import type { LayerOn, NetLayer } from './layers.js';

/** Layers one behind the other, their weights in one flat vector. */
export interface Net {
  readonly inputs: number;
  readonly outputs: number;
  readonly parameters: number;
  readonly layers: readonly (NetLayer & { readonly offset: number })[];
}

export interface NetPass {
  readonly out: Float32Array;
  /** Gradients of each record by layer if asked for, and what the loss says of the input if asked for. */
  backward(
    d: Float32Array,
    wants: { readonly part: boolean; readonly input: boolean },
  ): { readonly parts: readonly GradientPart[]; readonly dx: Float32Array | null };
}

export function createNet(input: Shape, on: readonly LayerOn[]): Net {
  let [shape, offset] = [input, 0];
  const layers = on.map((layerOn) => {
    const layer = { ...layerOn(shape), offset };
    shape = layer.output;
    offset += layer.parameters;
    return layer;
  });
  return { inputs: sizeOf(input), outputs: sizeOf(shape), parameters: offset, layers };
}

export function startWeights({ parameters, layers }: Net, random: RandomBytes): Float32Array {
  const weights = new Float32Array(parameters);
  for (const { offset, start } of layers) weights.set(start(random), offset);
  return weights;
}

/** Forward for all records at once; x is [rows][inputs]. */
export function runNet({ layers, inputs }: Net, weights: Float32Array, x: Float32Array): NetPass {
  const rows = x.length / inputs;
  let values = x;
  const done = layers.map(({ offset, parameters, run }) => {
    const forward = run({ x: values, rows, offset, weights: weights.subarray(offset, offset + parameters) });
    values = forward.out;
    return forward;
  });
  return {
    out: values,
    backward: (d, wants) => {
      const parts: GradientPart[] = [];
      let slopes = d;
      for (let index = layers.length - 1; index >= 0; index--) {
        const input = index > 0 || wants.input;
        const { part, dx } = done[index]!.backward(slopes, { part: wants.part, input });
        if (wants.part && part !== null) parts.unshift(part);
        if (dx === null) return { parts, dx: null };
        slopes = dx;
      }
      return { parts, dx: slopes };
    },
  };
}
