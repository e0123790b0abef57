import { describe, expect, it } from 'vitest';
import { drbg, utf8ToBytes } from '../../../crypto/index.js';
import { calibrateSigma16, gaussianEpsilon, readSchema, rhoCap } from '../../../fl/index.js';
import {
  checkSyntheticRecords,
  keepChance,
  nearestLevels,
  randomisedLevels,
  syntheticRecords,
  syntheticRho,
  zeroOutEpsilon,
} from '../../../pmta/index.js';

const random = (text: string) => drbg(utf8ToBytes(text));
const read = readSchema({
  label: { name: 'ill', positive: '1', negative: '0' },
  features: ['a', 'b'].map((name) => ({ name, center: 0, scale: 1, min: -20, max: 20, source: 'test' })),
});
if (!read.ok) throw new Error(read.reason);
const { schema } = read;

describe('levels of the nearest records', () => {
  it('are theirs, ties to the first', () => {
    const records = Float64Array.of(0, 0, 4, 0, 0, 4);
    const points = Float64Array.of(1, 0, 3, 1, 0, 9, 2, 0);
    expect([...nearestLevels(points, records, Uint8Array.of(1, 2, 3), 2)]).toEqual([1, 2, 3, 1]);
  });

  it.each([
    [[], []],
    [
      [1, 2],
      [1, 2],
    ],
  ])('refuse records %j with levels %j', (records, levels) => {
    expect(() =>
      nearestLevels(new Float64Array(2), Float64Array.from(records), Uint8Array.from(levels), 2),
    ).toThrow(RangeError);
  });
});

describe('levels by lot', () => {
  const DRAWS = 10_000;

  it.each([
    [2, 1],
    [3, 0.5],
    [3, 2],
    [4, 3],
  ])('of %i stay as often as ε = %s lets them, and are else any other', (count, epsilon) => {
    for (const own of [1, count]) {
      const drawn = randomisedLevels(
        new Uint8Array(DRAWS).fill(own),
        count,
        epsilon * 1e6,
        random(`lot ${own}`),
      );
      for (let level = 1; level <= count; level++) {
        const wanted = (level === own ? Math.exp(epsilon) : 1) / (Math.exp(epsilon) + count - 1);
        const share = drawn.filter((each) => each === level).length / DRAWS;
        expect(Math.abs(share - wanted)).toBeLessThan(4.5 * Math.sqrt((wanted * (1 - wanted)) / DRAWS));
      }
    }
    expect(keepChance(count, epsilon * 1e6)).toBeCloseTo(
      Math.exp(epsilon) / (Math.exp(epsilon) + count - 1),
      12,
    );
  });

  it('stay where there is one', () => {
    expect([...randomisedLevels(Uint8Array.of(1, 1), 1, 1, random('one'))]).toEqual([1, 1]);
  });

  it.each([
    [[1, 4], 1e6],
    [[0, 1], 1e6],
    [[1, 2], 0],
    [[1, 2], 65e6],
    [[1, 2], Number.NaN],
  ])('refuse %j at ε = %s · 10⁻⁶', (levels, epsilonMicro) => {
    expect(() => randomisedLevels(Uint8Array.from(levels), 3, epsilonMicro, random('bad'))).toThrow(
      RangeError,
    );
  });
});

describe('synthetic records', () => {
  const options = { schema, epsilonMicro: 8_000_000, deltaPico: 10_000_000 };
  const draws = random('points');
  const unit = () => new DataView(draws(4).buffer).getUint32(0) / 2 ** 32;
  const points = Float64Array.from({ length: 4_000 }, (_, at) => (at % 2 === 0 ? 0.6 : -0.4) + unit() - 0.5);

  it('have the mean and spread of the providers, and as many', () => {
    const made = syntheticRecords(points, options, random('made'));
    expect(made.length / 2).toBe(2_000);
    for (const [at, wanted] of [0.6, -0.4].entries()) {
      const own = made.filter((_, index) => index % 2 === at);
      const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
      const variance = own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / own.length;
      expect(Math.abs(mean - wanted)).toBeLessThan(0.1);
      expect(Math.abs(Math.sqrt(variance) - Math.sqrt(1 / 12))).toBeLessThan(0.1);
    }
  });

  it.each([2, 4, 20])(
    'are as many as %i providers, whatever the noise on the classes’ counts',
    (providers) => {
      const few = points.subarray(0, 2 * providers);
      for (let draw = 0; draw < 20; draw++) {
        const made = syntheticRecords(few, { ...options, epsilonMicro: 500_000 }, random(`few ${draw}`));
        expect(made.length / 2).toBe(providers);
        expect(made.every(Number.isFinite)).toBe(true);
      }
    },
  );

  it('cost no more than a record in the place of another may', () => {
    for (const epsilonMicro of [1_000_000, 8_000_000, 60_000_000]) {
      const [cost, cap] = [syntheticRho(epsilonMicro, 10_000_000), rhoCap(epsilonMicro, 10_000_000)];
      expect(cost).toBeLessThanOrEqual(cap);
      expect(cost).toBeGreaterThan((cap * 99n) / 100n);
    }
  });

  it('are made with twice the noise that a record against an empty place would ask for', () => {
    // By another road: the exact Gaussian's ε at twice the noise of the declared one.
    const sigma = calibrateSigma16({ epsilonMicro: 8_000_000, deltaPico: 10_000_000, rounds: 1 }) / 65_536;
    const epsilon = gaussianEpsilon({ sigma: 2 * sigma, rounds: 1, delta: 1e-5 });
    expect(zeroOutEpsilon(8_000_000, 10_000_000) / 1e6).toBeCloseTo(epsilon, 3);
    expect(epsilon).toBeLessThan(4);
  });

  it('are refused of too few providers', () => {
    expect(checkSyntheticRecords(points.subarray(0, 2), options)).toMatch(/1 records/);
    expect(checkSyntheticRecords(points, options)).toBeNull();
  });
});
