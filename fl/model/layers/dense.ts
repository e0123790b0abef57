import {
  type Activation,
  activate,
  checkActivation,
  glorot,
  isCount,
  type LayerRule,
  UNITS_MAX,
} from './rule.js';

/** A fully connected layer: `units` outputs, each activation(kernel column · input + bias). */
export interface DenseLayer {
  readonly kind: 'dense';
  readonly units: number;
  readonly activation: Activation;
}

/** Kernel [inputs, units], then bias [units]. */
export const dense: LayerRule<DenseLayer> = {
  check: ({ units, activation }, input) => {
    if (!isCount(units, UNITS_MAX)) return `units must be a whole number from 1 to ${UNITS_MAX}`;
    if (input.length !== 1) return 'it takes a flat list; put a flatten layer before it';
    return checkActivation(activation);
  },
  output: ({ units }) => [units],
  tensors: ({ units }, [inputs]) => [
    { name: 'kernel', shape: [inputs!, units], initial: glorot(inputs!, units) },
    { name: 'bias', shape: [units], initial: 0 },
  ],
  forward: ({ units, activation }, [inputs], weights, x) => {
    const sums = Float64Array.from(weights.subarray(inputs! * units));
    for (let input = 0; input < inputs!; input++) {
      for (let unit = 0; unit < units; unit++) sums[unit]! += x[input]! * weights[input * units + unit]!;
    }
    return sums.map((sum) => activate(activation, sum));
  },
};
