import { relu, sigmoid, type Tensor, tanh, tidy } from '@tensorflow/tfjs-core';
import type { Activation } from '../../index.js';

export function activated<T extends Tensor>(activation: Activation, sums: T): T {
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

/** Derivative by the sums, from that by the values; relu has slope 0 at 0. In float32, like the values. */
export function throughActivation(
  activation: Activation,
  values: Float32Array,
  d: Float32Array,
): Float32Array {
  switch (activation) {
    case 'linear':
      return d;
    case 'relu':
      return d.map((slope, at) => (values[at]! > 0 ? slope : 0));
    case 'tanh':
      return d.map((slope, at) => slope * (1 - values[at]! * values[at]!));
    case 'sigmoid':
      return d.map((slope, at) => slope * values[at]! * (1 - values[at]!));
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
