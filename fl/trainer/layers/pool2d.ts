import { type Pool2dLayer, type Shape, sizeOf } from '../../index.js';
import type { TrainLayer } from './rule.js';

export const pool2d: TrainLayer<Pool2dLayer> = {
  floats: (_, input) => sizeOf(input),
  run: ({ layer, input, output, rows, x }) => {
    const out = new Float32Array(rows * sizeOf(output));
    /** Where each maximum was: the first of equals. */
    const winners = new Uint32Array(layer.pool === 'max' ? out.length : 0);
    const share = 1 / (layer.size * layer.size);
    const channels = input[2]!;
    if (layer.pool === 'max') {
      out.fill(Number.NEGATIVE_INFINITY);
      eachPixel(layer, input, output, rows, (from, to) => {
        for (let channel = 0; channel < channels; channel++) {
          const value = x[from + channel]!;
          if (!(value > out[to + channel]!) && !Number.isNaN(value)) continue;
          out[to + channel] = value;
          winners[to + channel] = from + channel;
        }
      });
    } else {
      eachPixel(layer, input, output, rows, (from, to) => {
        for (let channel = 0; channel < channels; channel++) out[to + channel]! += x[from + channel]! * share;
      });
    }
    return {
      out,
      backward: (d, wantsInput) => {
        if (!wantsInput) return { part: null, dx: null };
        const dx = new Float32Array(x.length);
        if (layer.pool === 'max') for (let at = 0; at < d.length; at++) dx[winners[at]!]! += d[at]!;
        else
          eachPixel(layer, input, output, rows, (from, to) => {
            for (let channel = 0; channel < channels; channel++)
              dx[from + channel] = d[to + channel]! * share;
          });
        return { part: null, dx };
      },
    };
  },
};

/** First entry of every pixel of all records, with that of its square in the output; in row-major order. */
function eachPixel(
  { size }: Pool2dLayer,
  [height, width, channels]: Shape,
  output: Shape,
  rows: number,
  visit: (from: number, to: number) => void,
): void {
  for (let row = 0; row < rows; row++) {
    for (let y = 0; y < height!; y++) {
      const line = (row * output[0]! + Math.floor(y / size)) * output[1]!;
      for (let x = 0; x < width!; x++)
        visit(((row * height! + y) * width! + x) * channels!, (line + Math.floor(x / size)) * channels!);
    }
  }
}
