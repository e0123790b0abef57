import { describe, expect, it } from 'vitest';
import {
  type AggregationName,
  aggregationRules,
  createGrid,
  type RoundUpdate,
  serverStep,
  wireStep,
} from '../../../../fl/index.js';

const grid = createGrid({ dimension: 2, clip16: 65_536, sigma16: 0 });
const step = wireStep(grid);

const update = (device: string, wire: readonly number[], units = 1): RoundUpdate => ({
  device,
  units,
  wire: Int32Array.from(wire),
  hash: device,
});

/** The rule's result in wire steps: the step is a power of two, so dividing it out is exact. */
const aggregate = (rule: AggregationName, updates: readonly RoundUpdate[]) =>
  [...aggregationRules[rule].aggregate(updates, grid)].map((entry) => entry / step);

/** n devices of one unit, both coordinates: the entries and their negatives. */
const row = (...entries: readonly number[]) =>
  entries.map((entry, index) => update(String.fromCharCode(97 + index), [entry, -entry]));

describe('aggregation', () => {
  it('is in real units: wire steps of 2⁻¹⁰ here', () => {
    expect(step).toBe(2 ** -10);
    for (const rule of Object.values(aggregationRules))
      expect([...rule.aggregate([update('a', [1024, -512])], grid)]).toEqual([1, -0.5]);
  });

  it.each(Object.entries(aggregationRules))('%s asserts on no update and knows its name', (name, rule) => {
    expect(rule.name).toBe(name);
    expect(() => rule.aggregate([], grid)).toThrow(/at least one/);
  });

  it.each(Object.keys(aggregationRules) as AggregationName[])(
    '%s takes (u, N) and (3u, 3N) for the same',
    (rule) => {
      const updates = [update('a', [5, 1], 3), update('b', [7, 9], 3), update('c', [-2, 8], 3)];
      const tripled = updates.map((one) => ({ ...one, units: 9, wire: one.wire.map((x) => 3 * x) }));
      expect(aggregate(rule, tripled)).toEqual(aggregate(rule, updates));
    },
  );

  it('mean weighs by units: Σu / ΣN', () => {
    expect(aggregate('mean', [update('a', [10, 1], 1), update('b', [20, -3], 5)])).toEqual([5, -1 / 3]);
  });

  it('mean adds exactly beyond what float32 and int32 hold', () => {
    const big = 2 ** 31 - 1;
    const updates = ['a', 'b', 'c', 'd', 'e'].map((device) => update(device, [big, -big], 1));
    expect(aggregate('mean', [...updates, update('f', [1, 1], 1)])).toEqual([
      (5 * big + 1) / 6,
      (-5 * big + 1) / 6,
    ]);
  });

  it('median takes the middle of each coordinate, and the mean of two in the middle', () => {
    expect(aggregate('median', row(5, 1, 9))).toEqual([5, -5]);
    expect(aggregate('median', row(5, 1, 9, 6))).toEqual([5.5, -5.5]);
    expect(aggregate('median', row(100, 1, 9, 6, -400))).toEqual([6, -6]);
  });

  it('median compares means by cross-multiplying, whatever the units', () => {
    // 10/4 = 2.5, 7/3 = 2.33, 2/1 = 2: the middle is 7/3.
    expect(
      aggregate('median', [update('a', [10, 0], 4), update('b', [7, 0], 3), update('c', [2, 0])])[0],
    ).toBe(7 / 3);
    // The mean of 7/3 and 5/2 is 29/12.
    const four = [update('a', [10, 0], 4), update('b', [7, 0], 3), update('c', [2, 0]), update('d', [50, 0])];
    expect(aggregate('median', four)[0]).toBe(29 / 12);
  });

  it('trimmed mean leaves out a fifth at either end of each coordinate', () => {
    expect(aggregate('trimmed-mean', row(-900, 1, 2, 6, 900))).toEqual([3, -3]);
    expect(aggregate('trimmed-mean', row(-900, 1, 2, 3))).toEqual([-894 / 4, 894 / 4]);
    expect(aggregate('trimmed-mean', row(1, 2, 3, 4, 5, 6, 7, 800, 900, -1000))).toEqual([4.5, -4.5]);
    // Weighed by units: (4 + 6 + 30) / (1 + 1 + 10); -9 and 50 are out.
    const weighed = [
      update('a', [4, 0]),
      update('b', [-9, 0]),
      update('c', [30, 0], 10),
      update('d', [50, 0]),
      update('e', [6, 0]),
    ];
    expect(aggregate('trimmed-mean', weighed)[0]).toBe(40 / 12);
  });

  it('bounds what one device can do, but for the mean', () => {
    const outlier = row(1, 2, 3, 4, 10_000_000);
    expect(aggregate('mean', outlier)[0]).toBeGreaterThan(1_000_000);
    expect(aggregate('median', outlier)[0]).toBe(3);
    expect(aggregate('trimmed-mean', outlier)[0]).toBe(3);
  });
});

describe('serverStep', () => {
  it('goes against the mean gradient by the learning rate, rounded once', () => {
    const weights = Float32Array.of(1, 0.1);
    const mean = Float64Array.of(0.5, 1 / 3);
    expect(serverStep({ weights, mean, learningRate16: 32_768 })).toEqual(
      Float32Array.of(0.75, Math.fround(Math.fround(0.1) - 0.5 * (1 / 3))),
    );
    expect(serverStep({ weights, mean, learningRate16: 0 })).toEqual(weights);
  });

  it('rounds once, not twice', () => {
    // 1 - (2⁻²⁵ + 2⁻⁵⁰) rounds down to 1 - 2⁻²⁴; with the mean rounded to float32 first, the tie goes to 1.
    const next = serverStep({
      weights: Float32Array.of(1),
      mean: Float64Array.of(2 ** -25 + 2 ** -50),
      learningRate16: 65_536,
    });
    expect(next[0]).toBe(1 - 2 ** -24);
  });

  it('asserts on lengths, rates and results that cannot be', () => {
    const weights = Float32Array.of(3e38);
    expect(() => serverStep({ weights, mean: Float64Array.of(1, 2), learningRate16: 1 })).toThrow(
      /one length/,
    );
    for (const learningRate16 of [-1, 0.5])
      expect(() => serverStep({ weights, mean: Float64Array.of(1), learningRate16 })).toThrow(
        /learning rate/,
      );
    expect(() => serverStep({ weights, mean: Float64Array.of(-1e38), learningRate16: 65_536 })).toThrow(
      /finite/,
    );
  });
});
