import { type Tensor, tanh, tidy } from '@tensorflow/tfjs-core';
import type { Activation } from '../../index.js';
import type { Slopes } from './rule.js';

/** What the backend's products can do in passing. */
export type Fused = Exclude<Activation, 'tanh'>;

/** The layer's values, from how its sums are made: the backend does all but tanh along with them. */
export function activated(activation: Activation, sums: (fused: Fused) => Tensor): Tensor {
  return activation === 'tanh' ? tanh(sums('linear')) : sums(activation);
}

/** Derivative by the sums, from that by the values; relu has slope 0 at 0. In float32, like the values. */
export function throughActivation<S extends Slopes>(activation: Activation, values: Float32Array, d: S): S;
export function throughActivation(activation: Activation, values: Float32Array, d: Slopes): Slopes {
  if (activation === 'linear') return d;
  if (d instanceof Float32Array) return throughAll(activation, values, d);
  const own = new Float32Array(d.values.length);
  for (let at = 0; at < own.length; at++) own[at] = values[d.places[at]!]!;
  return { ...d, values: throughAll(activation, own, d.values) };
}

function throughAll(
  activation: Exclude<Activation, 'linear'>,
  values: Float32Array,
  d: Float32Array,
): Float32Array {
  const result = new Float32Array(d.length);
  // One loop each, and no calls in them: a network has millions of values.
  switch (activation) {
    case 'relu':
      // Without a branch: which of them are zero can't be foreseen. Infinity times zero is no number, and drops the record.
      for (let at = 0; at < d.length; at++) result[at] = d[at]! * Number(values[at]! > 0);
      return result;
    case 'tanh':
      for (let at = 0; at < d.length; at++) result[at] = d[at]! * (1 - values[at]! * values[at]!);
      return result;
    case 'sigmoid':
      for (let at = 0; at < d.length; at++) result[at] = d[at]! * values[at]! * (1 - values[at]!);
      return result;
    default:
      return activation satisfies never;
  }
}

/** The numbers of a tensor; it and all that it was made from are let go. */
export function numbersOf(compute: () => Tensor): Float32Array {
  let numbers: Float32Array = new Float32Array();
  // What a tidy returns is searched for tensors, number by number.
  tidy(() => {
    numbers = compute().dataSync<'float32'>();
  });
  return numbers;
}
