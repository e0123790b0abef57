import { isCount, type LayerRule, sizeOf, UNITS_MAX } from './rule.js';

/** Reads a flat list as an image [height, width, channels]. */
export interface ReshapeLayer {
  readonly kind: 'reshape';
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Reads an image as a flat list. */
export interface FlattenLayer {
  readonly kind: 'flatten';
}

const same = (_layer: unknown, _input: unknown, _weights: unknown, x: Float64Array): Float64Array => x;

export const reshape: LayerRule<ReshapeLayer> = {
  check: ({ height, width, channels }, input) => {
    if (![height, width, channels].every((side) => isCount(side, UNITS_MAX)))
      return 'height, width and channels must be whole numbers from 1';
    const [size, wanted] = [sizeOf(input), height * width * channels];
    return size === wanted ? null : `${size} numbers are no image of ${height} × ${width} × ${channels}`;
  },
  output: ({ height, width, channels }) => [height, width, channels],
  tensors: () => [],
  forward: same,
};

export const flatten: LayerRule<FlattenLayer> = {
  check: () => null,
  output: (_, input) => [sizeOf(input)],
  tensors: () => [],
  forward: same,
};
