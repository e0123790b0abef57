import { type Pool2dLayer, type Shape, sizeOf } from '../../index.js';
import { layOut, takeLargest } from '../kernels/index.js';
import { allSlopes, type TrainLayer } from './rule.js';

/** Floats of one: kernels read and write whole ones. */
const VECTOR = 4;

export const pool2d: TrainLayer<Pool2dLayer> = {
  floats: (_, input) => sizeOf(input),
  run: ({ layer, input, output, rows, x }) => {
    const out = new Float32Array(rows * sizeOf(output));
    /** Where each maximum was. */
    const winners = new Uint32Array(layer.pool === 'max' ? out.length : 0);
    const share = 1 / (layer.size * layer.size);
    const channels = input[2]!;
    if (layer.pool === 'max') {
      takeAll(layer, input, output, x, { out, winners });
    } else {
      eachPixel(layer, input, output, rows, (from, to) => {
        for (let channel = 0; channel < channels; channel++) out[to + channel]! += x[from + channel]! * share;
      });
    }
    return {
      out,
      backward: (slopes, wantsInput) => {
        if (!wantsInput) return { part: null, dx: null };
        const d = allSlopes(slopes);
        if (layer.pool === 'max') return { part: null, dx: { length: x.length, places: winners, values: d } };
        const dx = new Float32Array(x.length);
        eachPixel(layer, input, output, rows, (from, to) => {
          for (let channel = 0; channel < channels; channel++) dx[from + channel] = d[to + channel]! * share;
        });
        return { part: null, dx };
      },
    };
  },
};

/** Record by record, in the kernels' memory: values [rows][output], and of each where it was in [rows][input]. */
function takeAll(
  { size }: Pool2dLayer,
  input: Shape,
  output: Shape,
  x: Float32Array,
  { out, winners }: { readonly out: Float32Array; readonly winners: Uint32Array },
): void {
  const [from, to] = [sizeOf(input), sizeOf(output)];
  const layout = layOut(4 * (from + 2 * to + 3 * VECTOR) + 3 * 16);
  const image = layout.floats(from + VECTOR);
  const values = layout.floats(to + VECTOR);
  const places = layout.whole(to + VECTOR);
  const squares = {
    from: image.byteOffset,
    values: values.byteOffset,
    places: places.byteOffset,
    lines: output[0]!,
    columns: output[1]!,
    size,
    channels: input[2]!,
  };
  for (let start = 0, at = 0; start < x.length; start += from, at += to) {
    image.set(x.subarray(start, start + from));
    takeLargest(squares);
    out.set(values.subarray(0, to), at);
    for (let entry = 0; entry < to; entry++) winners[at + entry] = start + places[entry]!;
  }
}

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
