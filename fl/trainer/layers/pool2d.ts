import { eachOfSquares, type Pool2dLayer, sizeOf } from '../../index.js';
import type { TrainLayer } from './rule.js';

export const pool2d: TrainLayer<Pool2dLayer> = {
  floats: (_, input) => sizeOf(input),
  run: ({ layer, input, output, rows, x }) => {
    const [from, to] = [sizeOf(input), sizeOf(output)];
    const isMax = layer.pool === 'max';
    const share = 1 / (layer.size * layer.size);
    const out = new Float32Array(rows * to).fill(isMax ? Number.NEGATIVE_INFINITY : 0);
    /** Where each maximum was: the first of equals. */
    const winners = new Uint32Array(isMax ? out.length : 0);
    for (let row = 0; row < rows; row++) {
      const [start, end] = [row * from, row * to];
      eachOfSquares(layer, input, (at, square) => {
        const value = x[start + at]!;
        if (!isMax) out[end + square]! += value * share;
        else if (value > out[end + square]! || Number.isNaN(value)) {
          out[end + square] = value;
          winners[end + square] = start + at;
        }
      });
    }
    return {
      out,
      backward: (d, wantsInput) => {
        if (!wantsInput) return { part: null, dx: null };
        const dx = new Float32Array(x.length);
        if (isMax) for (let at = 0; at < d.length; at++) dx[winners[at]!]! += d[at]!;
        for (let row = 0; !isMax && row < rows; row++) {
          eachOfSquares(layer, input, (at, square) => {
            dx[row * from + at] = d[row * to + square]! * share;
          });
        }
        return { part: null, dx };
      },
    };
  },
};
