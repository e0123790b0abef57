import { describe, expect, it } from 'vitest';
import {
  type AggregationName,
  aggregationRules,
  createGrid,
  decodeOptimizer,
  encodeOptimizer,
  type RoundUpdate,
  serve,
  serverSteps,
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
  [...aggregationRules[rule].aggregate(updates, grid, null)].map((entry) => entry / step);

/** n devices of one unit, both coordinates: the entries and their negatives. */
const row = (...entries: readonly number[]) =>
  entries.map((entry, index) => update(String.fromCharCode(97 + index), [entry, -entry]));

describe('aggregation', () => {
  it('is in real units: wire steps of 2⁻¹⁰ here', () => {
    expect(step).toBe(2 ** -10);
    for (const rule of Object.values(aggregationRules))
      expect([...rule.aggregate([update('a', [1024, -512])], grid, null)]).toEqual([1, -0.5]);
  });

  it.each(Object.entries(aggregationRules))('%s asserts on no update and knows its name', (name, rule) => {
    expect(rule.name).toBe(name);
    expect(() => rule.aggregate([], grid, null)).toThrow(/at least one/);
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

describe('geometric median and centred clipping', () => {
  const cloud = [
    [3, 1],
    [4, 2],
    [5, -1],
    [4, -2],
    [900, 900],
    [-2, 5],
    [6, 0],
  ] as const;
  const updates = cloud.map((entries, index) => update('abcdefg'[index]!, entries));

  it('the geometric median is close to where the sum of distances is least', () => {
    const [x, y] = aggregate('geometric-median', updates) as [number, number];
    const cost = (a: number, b: number) => cloud.reduce((sum, [p, q]) => sum + Math.hypot(p - a, q - b), 0);
    // The best of a fine net around it.
    let best = Number.POSITIVE_INFINITY;
    for (let a = 0; a <= 10; a += 0.05) for (let b = -5; b <= 5; b += 0.05) best = Math.min(best, cost(a, b));
    expect(cost(x, y) - best).toBeLessThan(0.002 * best);
    expect(cost(x, y)).toBeLessThan(cost(...(aggregate('mean', updates) as [number, number])));
  });

  it('the geometric median weighs by units and stays on a point that outweighs all others', () => {
    const heavy = [update('a', [50, 50], 5), update('b', [0, 0], 1), update('c', [100, -30], 1)];
    const [x, y] = aggregate('geometric-median', heavy) as [number, number];
    expect(Math.hypot(x - 10, y - 10)).toBeLessThan(0.01);
  });

  it('the geometric median of equal updates is that update', () => {
    for (const [index, entry] of aggregate('geometric-median', row(7, 7, 7)).entries())
      expect(entry).toBeCloseTo([7, -7][index]!, 12);
  });

  it('centred clipping goes on from the last result, and a far outlier moves it by the median distance at most', () => {
    const near = updates.filter(({ device }) => device !== 'e');
    const rule = aggregationRules['centred-clipping'];
    const honest = rule.aggregate(near, grid, null);
    const attacked = rule.aggregate(updates, grid, honest);
    const moved = Math.hypot(attacked[0]! - honest[0]!, attacked[1]! - honest[1]!) / step;
    expect(moved).toBeLessThan(5);
    expect(moved).toBeGreaterThan(0);
    const farther = [...near, update('e', [90_000, 90_000])].sort((a, b) => (a.device < b.device ? -1 : 1));
    for (const [index, entry] of rule.aggregate(farther, grid, honest).entries())
      expect(entry / step).toBeCloseTo(attacked[index]! / step, 1);
  });

  it('centred clipping counts each device once, whatever its units', () => {
    const heavy = [update('a', [0, 0]), update('b', [1, 0]), update('c', [90_000, 0], 10_000)];
    expect(aggregate('centred-clipping', heavy)).toEqual(
      aggregate('centred-clipping', [...heavy.slice(0, 2), update('c', [9, 0])]),
    );
  });
});

describe('server steps', () => {
  const params = { learningRate16: 32_768, momentum16: 32_768, secondMoment16: 49_152, adaptivity16: 655 };
  const plain = (weights: Float32Array, direction: Float64Array, learningRate16: number) =>
    serve('fedavg', { ...params, learningRate16 }, weights, direction, null).weights;

  it.each(Object.entries(serverSteps))('%s knows its name', (name, rule) => expect(rule.name).toBe(name));

  it('FedAvg goes against the direction by the learning rate, rounded once', () => {
    const weights = Float32Array.of(1, 0.1);
    const direction = Float64Array.of(0.5, 1 / 3);
    expect(plain(weights, direction, 32_768)).toEqual(
      Float32Array.of(0.75, Math.fround(Math.fround(0.1) - 0.5 * (1 / 3))),
    );
    expect(plain(weights, direction, 0)).toEqual(weights);
  });

  it('rounds once, not twice', () => {
    // 1 - (2⁻²⁵ + 2⁻⁵⁰) rounds down to 1 - 2⁻²⁴; with the direction rounded to float32 first, the tie goes to 1.
    expect(plain(Float32Array.of(1), Float64Array.of(2 ** -25 + 2 ** -50), 65_536)[0]).toBe(1 - 2 ** -24);
  });

  it('FedAvgM keeps β m + g and goes by it', () => {
    const first = serve('fedavgm', params, Float32Array.of(1), Float64Array.of(0.5), null);
    expect([first.weights[0], first.moments[0]![0]]).toEqual([0.75, 0.5]);
    const second = serve('fedavgm', params, first.weights, Float64Array.of(-1), first.moments);
    expect([second.weights[0], second.moments[0]![0]]).toEqual([0.75 + 0.375, -0.75]);
  });

  it('FedAdam is algorithm 2 of Reddi et al.', () => {
    const tau = 655 / 65_536;
    let [m, v, w] = [0, Math.fround(tau * tau), 1];
    let served: { weights: Float32Array; moments: readonly Float32Array[] | null } = {
      weights: Float32Array.of(1),
      moments: null,
    };
    for (const g of [0.5, -0.25, 0.125]) {
      served = serve('fedadam', params, served.weights, Float64Array.of(g), served.moments);
      m = Math.fround(0.5 * m + 0.5 * g);
      v = Math.fround(0.75 * v + 0.25 * g * g);
      w = Math.fround(w - (0.5 * m) / (Math.sqrt(v) + tau));
      expect([served.weights[0], served.moments![0]![0], served.moments![1]![0]]).toEqual([w, m, v]);
    }
  });

  it('asserts on lengths, rates, moments and results that cannot be', () => {
    const weights = Float32Array.of(3e38);
    expect(() => plain(weights, Float64Array.of(1, 2), 1)).toThrow(/one length/);
    for (const rate of [-1, 0.5]) expect(() => plain(weights, Float64Array.of(1), rate)).toThrow(/2\^-16/);
    expect(() => plain(weights, Float64Array.of(-1e38), 65_536)).toThrow(/finite/);
    expect(() => serve('fedadam', params, weights, Float64Array.of(1), [weights])).toThrow(/of this step/);
  });
});

describe('optimizer state', () => {
  const a = Float32Array.of(1, -2);
  const b = Float32Array.of(0.1, 3e38);
  it.each([
    { direction: a, moments: [] },
    { direction: null, moments: [a, b] },
    { direction: b, moments: [a] },
  ])('comes back as it was: %j', (state) => {
    expect(decodeOptimizer(encodeOptimizer(state)!, 2)).toEqual(state);
  });

  it('is nothing where nothing is kept', () => {
    expect(encodeOptimizer({ direction: null, moments: [] })).toBeNull();
  });

  it('asserts on bytes that it would not write', () => {
    const bytes = encodeOptimizer({ direction: a, moments: [b] })!;
    expect(() => decodeOptimizer(bytes.subarray(1), 2)).toThrow();
    expect(() => decodeOptimizer(bytes.subarray(0, -1), 2)).toThrow(/whole length/);
    expect(() => decodeOptimizer(bytes, 3)).toThrow(/of this task/);
    const nan = encodeOptimizer({ direction: a, moments: [] })!;
    nan.fill(255, 6);
    expect(() => decodeOptimizer(nan, 2)).toThrow(/finite/);
  });
});
