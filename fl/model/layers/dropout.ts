import type { LayerRule } from './rule.js';

/**
 * In training each value is dropped with chance rate16 / 2^16 and the rest scaled up by 1 / (1 − rate); otherwise it
 * does nothing. Which are dropped is drawn for each record, from the device's own randomness and never from the data.
 * Source: Srivastava et al. 2014.
 */
export interface DropoutLayer {
  readonly kind: 'dropout';
  readonly rate16: number;
}

export const dropout: LayerRule<DropoutLayer> = {
  check: ({ rate16 }) =>
    Number.isSafeInteger(rate16) && rate16 >= 0 && rate16 < 65_536
      ? null
      : 'rate16 must be a whole number from 0 to 65,535',
  output: (_, input) => input,
  tensors: () => [],
  forward: (_layer, _input, _weights, x) => x,
};
