import { describe, expect, it } from 'vitest';
import { drbg, utf8ToBytes } from '../../../crypto/index.js';
import { gaussianEpsilon, numberFeature, rhoCap } from '../../../fl/index.js';
import { longestRow, noisedAttributes } from '../../../pmta/index.js';

const options = { dimensions: 2, clip: 3, epsilonMicro: 4_000_000, deltaPico: 10_000_000 };
const noised = (points: readonly number[], text: string, more: Partial<typeof options> = {}) =>
  noisedAttributes(Float64Array.from(points), { ...options, ...more }, drbg(utf8ToBytes(text)));

/** Distance of a row to where it would be without noise, over many draws. */
function spread(points: readonly number[], expected: readonly number[]) {
  const DRAWS = 4_000;
  const all = noised(Array.from({ length: DRAWS }, () => points).flat(), 'seed 1').points;
  return expected.map((value, index) => {
    const own = all.filter((_, at) => at % 2 === index);
    const mean = own.reduce((sum, each) => sum + each, 0) / DRAWS;
    const variance = own.reduce((sum, each) => sum + (each - mean) ** 2, 0) / DRAWS;
    return { off: Math.abs(mean - value), deviation: Math.sqrt(variance) };
  });
}

describe('noised attributes', () => {
  it('have the noise that the declared ε and δ ask of twice the clip length', () => {
    const { deviation, epsilonMicro, rho } = noised([0, 0], 'a');
    // By another road: the exact Gaussian's ε at this noise and sensitivity.
    const epsilon = gaussianEpsilon({ sigma: deviation / (2 * options.clip), rounds: 1, delta: 1e-5 });
    expect(epsilon).toBeLessThan(4);
    expect(epsilon).toBeGreaterThan(3.9);
    expect(epsilonMicro).toBeLessThanOrEqual(4_000_000);
    expect(rho).toBeLessThanOrEqual(rhoCap(4_000_000, 10_000_000));
  });

  it('are each row with noise of that deviation, and not elsewhere', () => {
    const { deviation } = noised([0, 0], 'a');
    for (const { off, deviation: own } of spread([1, -2], [1, -2])) {
      expect(off).toBeLessThan((4 * deviation) / Math.sqrt(4_000));
      expect(Math.abs(own / deviation - 1)).toBeLessThan(0.06);
    }
  });

  it('are shortened to the clip length, in their direction', () => {
    const { deviation } = noised([0, 0], 'a');
    for (const { off } of spread([30, -40], [1.8, -2.4]))
      expect(off).toBeLessThan((4 * deviation) / Math.sqrt(4_000));
  });

  it('lie on a grid whose rounding the sensitivity counts', () => {
    const { points, deviation } = noised([0.123, 1.7, -0.3, 0.9], 'b');
    const step = 2 ** Math.floor(Math.log2(options.clip / (100 * Math.SQRT2)));
    for (const value of points) expect(Number.isInteger(value / step)).toBe(true);
    expect(deviation).toBeGreaterThan(0);
  });

  it.each([0, -1, Number.POSITIVE_INFINITY, Number.NaN])('refuse a clip length of %s', (clip) => {
    expect(() => noised([0, 0], 'a', { clip })).toThrow(/a clip length of/);
  });

  it('refuse numbers that are not finite', () => {
    expect(() => noised([0, Number.NaN], 'a')).toThrow(RangeError);
  });
});

describe('the longest row of a schema', () => {
  it('follows from its bounds alone', () => {
    const numbers = {
      centerMicro: 1_000_000,
      scaleMicro: 2_000_000,
      minMicro: -5_000_000,
      maxMicro: 3_000_000,
    };
    const feature = numberFeature({ name: 'a', source: '', ...numbers });
    const label = { name: 'y', classes: ['0', '1'], weights16: [] };
    // (-5 - 1) / 2 is further from the centre than (3 - 1) / 2; two columns of it.
    expect(
      longestRow({ features: [{ ...feature, count: 2 }], label, subject: null, site: null }),
    ).toBeCloseTo(Math.sqrt(18), 12);
  });
});
