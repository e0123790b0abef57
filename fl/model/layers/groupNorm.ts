import { isCount, type LayerRule, type Shape, sizeOf, UNITS_MAX } from './rule.js';

/**
 * Normalises the channels of one record in groups to mean 0 and variance 1, then scales and shifts each channel.
 * Unlike batch norm it looks at one record alone, so that clipping a record bounds what it does.
 * Source: Wu and He 2018, arXiv:1803.08494.
 */
export interface GroupNormLayer {
  readonly kind: 'groupNorm';
  /** Divides the channels (of a flat list: its length). */
  readonly groups: number;
}

/** Added to the variance. */
export const GROUP_NORM_EPSILON = 1e-5;

/** Scale [channels], beginning at 1, then shift [channels], beginning at 0. */
export const groupNorm: LayerRule<GroupNormLayer> = {
  check: ({ groups }, input) =>
    isCount(groups, UNITS_MAX) && input.at(-1)! % groups === 0
      ? null
      : `groups must divide the ${input.at(-1)} channels`,
  output: (_, input) => input,
  tensors: (_, input) => [
    { name: 'scale', shape: [input.at(-1)!], initial: 1 },
    { name: 'shift', shape: [input.at(-1)!], initial: 0 },
  ],
  forward: (layer, input, weights, x) => {
    const channels = input.at(-1)!;
    return normalise(layer, input, x, 0).values.map((value, at) => {
      const channel = at % channels;
      return value * weights[channel]! + weights[channels + channel]!;
    });
  },
};

/** One record's values (at `start`) by group at mean 0 and variance 1, and by how much each group was scaled. */
export function normalise(
  { groups }: GroupNormLayer,
  input: Shape,
  x: ArrayLike<number>,
  start: number,
): { readonly values: Float64Array; readonly scales: Float64Array } {
  const [size, channels] = [sizeOf(input), input.at(-1)!];
  const count = size / groups;
  const means = new Float64Array(groups);
  for (let at = 0; at < size; at++) means[groupOf(groups, channels, at)]! += x[start + at]! / count;
  const scales = new Float64Array(groups);
  for (let at = 0; at < size; at++)
    scales[groupOf(groups, channels, at)]! +=
      (x[start + at]! - means[groupOf(groups, channels, at)]!) ** 2 / count;
  for (let group = 0; group < groups; group++)
    scales[group] = 1 / Math.sqrt(scales[group]! + GROUP_NORM_EPSILON);
  const values = new Float64Array(size);
  for (let at = 0; at < size; at++) {
    const group = groupOf(groups, channels, at);
    values[at] = (x[start + at]! - means[group]!) * scales[group]!;
  }
  return { values, scales };
}

/** The group of an entry: channels stand side by side. */
export function groupOf(groups: number, channels: number, at: number): number {
  return Math.floor(((at % channels) * groups) / channels);
}
