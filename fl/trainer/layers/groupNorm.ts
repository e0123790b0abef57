import { type GroupNormLayer, groupOf, normalise, sizeOf } from '../../index.js';
import { allSlopes, type TrainLayer } from './rule.js';

export const groupNorm: TrainLayer<GroupNormLayer> = {
  floats: (_, input) => 2 * sizeOf(input) + 2 * input.at(-1)!,
  run: ({ layer, input, rows, x, weights, offset }) => {
    const [size, channels] = [sizeOf(input), input.at(-1)!];
    const records = Array.from({ length: rows }, (_, row) => normalise(layer, input, x, row * size));
    const out = new Float32Array(x.length);
    for (const [row, { values }] of records.entries()) {
      for (let at = 0; at < size; at++)
        out[row * size + at] = values[at]! * weights[at % channels]! + weights[channels + (at % channels)]!;
    }
    return {
      out,
      backward: (slopes, wantsInput) => {
        const d = allSlopes(slopes);
        const g = new Float32Array(rows * 2 * channels);
        const dx = wantsInput ? new Float32Array(x.length) : null;
        for (const [row, record] of records.entries()) {
          const start = row * size;
          for (let at = 0; at < size; at++) {
            const to = row * 2 * channels + (at % channels);
            g[to]! += d[start + at]! * record.values[at]!;
            g[to + channels]! += d[start + at]!;
          }
          if (dx !== null)
            backThrough(layer, record, weights, d.subarray(start), dx.subarray(start, start + size));
        }
        return { part: { kind: 'rows', offset, width: 2 * channels, places: null, g }, dx };
      },
    };

    /** dx = scale · (e − mean e − x̂ · mean e·x̂), the means over a group, with e the slope by x̂. */
    function backThrough(
      { groups }: GroupNormLayer,
      { values, scales }: (typeof records)[number],
      scale: Float32Array,
      slopes: Float32Array,
      dx: Float32Array,
    ): void {
      const means = new Float64Array(groups);
      const products = new Float64Array(groups);
      const share = groups / size;
      const slope = (at: number): number => slopes[at]! * scale[at % channels]!;
      for (let at = 0; at < size; at++) {
        const group = groupOf(groups, channels, at);
        means[group]! += slope(at) * share;
        products[group]! += slope(at) * values[at]! * share;
      }
      for (let at = 0; at < size; at++) {
        const group = groupOf(groups, channels, at);
        dx[at] = scales[group]! * (slope(at) - means[group]! - values[at]! * products[group]!);
      }
    }
  },
};
