import { fused, matMul, tensor1d, tensor2d, transpose } from '@tensorflow/tfjs-core';
import type { DenseLayer } from '../../index.js';
import { activated, numbersOf, throughActivation } from './activation.js';
import { allSlopes, type TrainLayer } from './rule.js';

/** Products by the tensor backend. The kernel is transposed explicitly: its transposed product is ten times slower. */
export const dense: TrainLayer<DenseLayer> = {
  floats: () => 0,
  run: ({ layer: { units, activation }, input: [width], offset, rows, x, weights }) => {
    const inputs = width!;
    const kernel = () => tensor2d(weights.subarray(0, inputs * units), [inputs, units]);
    const out = numbersOf(() =>
      activated(activation, (inPassing) =>
        fused.matMul({
          a: tensor2d(x, [rows, inputs]),
          b: kernel(),
          bias: tensor1d(weights.subarray(inputs * units)),
          activation: inPassing,
        }),
      ),
    );
    return {
      out,
      backward: (slopes, wantsInput) => {
        const d = throughActivation(activation, out, allSlopes(slopes));
        const dx = () => numbersOf(() => matMul(tensor2d(d, [rows, units]), transpose(kernel())));
        return { part: { kind: 'outer', offset, inputs, units, a: x, d }, dx: wantsInput ? dx() : null };
      },
    };
  },
};
