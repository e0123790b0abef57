import { isCount, type LayerRule, mustBeImage, UNITS_MAX } from './rule.js';

/** The largest value, or the mean, of each size × size square of an image, squares side by side. */
export interface Pool2dLayer {
  readonly kind: 'pool2d';
  readonly pool: 'max' | 'mean';
  /** Divides both sides of the image. */
  readonly size: number;
}

/** No weights. Ties of a maximum go to the first in row-major order. */
export const pool2d: LayerRule<Pool2dLayer> = {
  check: ({ pool, size }, input) => {
    const [height = 0, width = 0] = input;
    if (pool !== 'max' && pool !== 'mean') return `unknown pool ${String(pool)} (max, mean)`;
    if (!isCount(size, UNITS_MAX)) return 'size must be a whole number from 1';
    const problem = mustBeImage(input);
    if (problem !== null) return problem;
    return height % size === 0 && width % size === 0
      ? null
      : `an image of ${height} × ${width} does not divide into squares of ${size}`;
  },
  output: ({ size }, [height, width, channels]) => [height! / size, width! / size, channels!],
  tensors: () => [],
  forward: (layer, input, _, x) => {
    const [rows, columns, channels] = pool2d.output(layer, input) as [number, number, number];
    const { pool, size } = layer;
    const out = new Float64Array(rows * columns * channels).fill(
      pool === 'max' ? Number.NEGATIVE_INFINITY : 0,
    );
    eachOfSquares(layer, input, (from, to) => {
      if (pool === 'max') out[to] = Math.max(out[to]!, x[from]!);
      else out[to]! += x[from]! / (size * size);
    });
    return out;
  },
};

/** Every entry of an image with the place of its square in the output. In row-major order of the entries. */
export function eachOfSquares(
  { size }: Pool2dLayer,
  [height, width, channels]: readonly number[],
  visit: (from: number, to: number) => void,
): void {
  const columns = width! / size;
  for (let y = 0; y < height!; y++) {
    for (let x = 0; x < width!; x++) {
      const from = (y * width! + x) * channels!;
      const to = (Math.floor(y / size) * columns + Math.floor(x / size)) * channels!;
      for (let channel = 0; channel < channels!; channel++) visit(from + channel, to + channel);
    }
  }
}
