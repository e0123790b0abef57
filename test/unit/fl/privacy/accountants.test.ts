import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  accountants,
  calibrateSampledSigma16,
  composeLoss,
  epsilonOfRenyi,
  gaussianEpsilon,
  lossCurveEpsilon,
  RENYI_ORDERS,
  renyiDivergence,
  renyiEpsilon,
  type SampledGaussian,
  tightestEpsilon,
} from '../../../../fl/index.js';
import { fourier } from '../../../../fl/privacy/fourier.js';
import { discretiseLoss } from '../../../../fl/privacy/lossDistribution.js';

/** Opacus's default orders. */
const orders = RENYI_ORDERS.filter((order) => order < 64);

const within = (value: number, expected: number, share: number) => {
  expect(value).toBeGreaterThanOrEqual(expected * (1 - share));
  expect(value).toBeLessThanOrEqual(expected * (1 + share));
};

/** Φ(x) to a few parts in 10^15, by its series or the continued fraction of its tail. */
function normalBelow(x: number): number {
  const density = Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  if (x < -4) {
    let fraction = 0;
    for (let k = 200; k >= 1; k--) fraction = k / (-x + fraction);
    return density / (-x + fraction);
  }
  let [term, sum] = [x, x];
  for (let odd = 3; odd < 400; odd += 2) {
    term *= (x * x) / odd;
    sum += term;
  }
  return 0.5 + density * sum;
}

/** δ(ε) of one round of the sampled Gaussian, in closed form: where the loss exceeds ε is a half-line. */
function deltaOfOneRound(
  { sigma, rate }: SampledGaussian,
  epsilon: number,
  side: 'with' | 'without',
): number {
  if (side === 'with') {
    // P = (1-q)N(0) + qN(1) against Q = N(0): loss > ε above y.
    const y = sigma ** 2 * Math.log((Math.expm1(epsilon) + rate) / rate) + 0.5;
    const plain = normalBelow(-y / sigma);
    return rate * normalBelow((1 - y) / sigma) - (Math.expm1(epsilon) + rate) * plain;
  }
  // P = N(0) against Q = (1-q)N(0) + qN(1): loss > ε below y; none where e^-ε < 1 - q.
  const ratio = (Math.expm1(-epsilon) + rate) / rate;
  if (ratio <= 0) return 0;
  const y = sigma ** 2 * Math.log(ratio) + 0.5;
  return (
    normalBelow(y / sigma) * (1 - Math.exp(epsilon) * (1 - rate)) -
    Math.exp(epsilon) * rate * normalBelow((y - 1) / sigma)
  );
}

describe('Rényi accountant', () => {
  it.each([
    // Opacus 1.5, test_accountants; the last two by its RDPAccountant.
    [{ rate: 0.04, sigma: 1.5, rounds: 2250 }, 1e-5, 7.32911117143],
    [{ rate: 1, sigma: 5, rounds: 50 }, 1e-5, 7.077392],
    [{ rate: 0.1, sigma: 1, rounds: 100 }, 1e-5, 7.899255],
  ])('%j at δ = %d: ε = %d', (mechanism, delta, epsilon) => {
    within(renyiEpsilon(mechanism, delta, orders), epsilon, 1e-7);
  });

  it('converts a constant divergence as Google’s dp-accounting does', () => {
    const whole = Array.from({ length: 31 }, (_, i) => i + 2);
    within(
      epsilonOfRenyi(
        whole,
        whole.map(() => 1.1),
        1e-5,
      ),
      1.32783806176,
      1e-11,
    );
    expect(epsilonOfRenyi([2], [1e-12], 1e-5)).toBe(0);
    expect(epsilonOfRenyi([2], [Number.POSITIVE_INFINITY], 1e-5)).toBe(Number.POSITIVE_INFINITY);
  });

  const google = { rate: 0.01, sigma: 2.5, rounds: 50 };

  it('gives Google’s divergence at α = 100', () => {
    within(renyiDivergence(google, 100), 167.416308, 1e-8);
  });

  /** Section 3.3 of Mironov, Talwar, Zhang, with every binomial coefficient counted as positive, or as it is. */
  function series({ rate: q, sigma, rounds }: SampledGaussian, alpha: number, signed: boolean): number {
    const z0 = sigma ** 2 * Math.log(1 / q - 1) + 0.5;
    let [binomial, sum] = [1, 0];
    for (let i = 0; i < 60; i++) {
      const j = alpha - i;
      const low =
        q ** i * (1 - q) ** j * Math.exp((i * i - i) / (2 * sigma ** 2)) * normalBelow((z0 - i) / sigma);
      const high =
        q ** j * (1 - q) ** i * Math.exp((j * j - j) / (2 * sigma ** 2)) * normalBelow((j - z0) / sigma);
      sum += (signed ? binomial : Math.abs(binomial)) * (low + high);
      binomial *= j / (i + 1);
    }
    return (rounds * Math.log(sum)) / (alpha - 1);
  }

  it('is exact at α = 1.5, where dp-accounting bounds: it drops the signs of the series', () => {
    within(series(google, 1.5, false), 6.70579741e-4, 1e-8); // dp-accounting's value
    within(series(google, 1.5, true), 6.500708971880404e-4, 1e-8);
    // mpmath 1.4 with 40 digits; Opacus too.
    within(renyiDivergence(google, 1.5), 6.500708971880404e-4, 1e-11);
    within(renyiDivergence(google, 1.1), 4.763737623002986e-4, 1e-11);
    expect(renyiDivergence(google, 1.5)).toBeLessThan(6.70579741e-4);
  });

  it('is one function of the order: the integral for α near a whole number gives the sum’s value', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 200 }),
        fc.double({ min: 0.4, max: 30, noNaN: true }),
        fc.double({ min: 1e-6, max: 0.999, noNaN: true }),
        (order, sigma, rate) => {
          const mechanism = { sigma, rate, rounds: 1 };
          within(renyiDivergence(mechanism, order + 1e-10), renyiDivergence(mechanism, order), 1e-6);
        },
      ),
      { numRuns: 60, seed: 1 },
    );
  });

  it('never falls with the order, nor with the rate, and approaches the plain Gaussian', () => {
    const at = (rate: number, order: number) => renyiDivergence({ sigma: 1.3, rate, rounds: 7 }, order);
    for (const rate of [1e-5, 0.01, 0.3, 1]) {
      const values = RENYI_ORDERS.map((order) => at(rate, order));
      expect(values).toEqual([...values].sort((a, b) => a - b));
    }
    for (const order of [1.1, 2, 7.7, 33, 256]) {
      expect(at(0.1, order)).toBeLessThan(at(0.2, order));
      within(at(1 - 1e-9, order), (7 * order) / (2 * 1.3 ** 2), 1e-6);
    }
  });

  it('is finite, or says Infinity, where e^(α²/2σ²) is beyond doubles', () => {
    within(
      renyiDivergence({ sigma: 1 / 16, rate: 0.01, rounds: 1 }, 256),
      256 * 128 + (256 / 255) * Math.log(0.01),
      1e-6,
    );
    within(
      renyiDivergence({ sigma: 1 / 16, rate: 0.01, rounds: 1 }, 10.9),
      10.9 * 128 + (10.9 / 9.9) * Math.log(0.01),
      1e-6,
    );
  });
});

describe('privacy loss distribution', () => {
  it.each([
    // dp-accounting 0.6, connect-the-dots at 1e-4 (1e-3 for the last): an upper bound. Then its lower one.
    [{ rate: 0.1, sigma: 1, rounds: 100 }, 1e-5, 7.0466, 7.0416],
    [{ rate: 0.05, sigma: 1.5, rounds: 100 }, 1e-6, 1.943736, 1.9387],
    [{ rate: 0.01, sigma: 2.5, rounds: 50 }, 1e-6, 0.121349, 0.1188],
    [{ rate: 0.001, sigma: 0.5, rounds: 1 }, 1e-6, 1.085236, 1.0851],
    [{ rate: 0.04, sigma: 1.5, rounds: 2250 }, 1e-5, 6.769479, 5.644],
    [{ rate: 0.5, sigma: 4, rounds: 1000 }, 1e-10, 33.016551, 32.516],
  ])('%j at δ = %d: %d within 0.5 percent, at least %d', (mechanism, delta, upper, lower) => {
    const epsilon = lossCurveEpsilon(mechanism, delta);
    within(epsilon, upper, 0.005);
    expect(epsilon).toBeGreaterThanOrEqual(lower);
  });

  it('keeps σ = 1.5, q = 0.05, 100 rounds, δ = 1e-6 below 1.954', () => {
    expect(lossCurveEpsilon({ rate: 0.05, sigma: 1.5, rounds: 100 }, 1e-6)).toBeLessThanOrEqual(1.954);
  });

  it('is never below the exact curve without sampling, and within 0.1 %', () => {
    for (const [sigma, rounds, delta] of [
      [5, 50, 1e-5],
      [6.7, 30, 1e-4],
      [0.7, 1, 1e-6],
      [40, 3000, 1e-9],
    ] as const) {
      const exact = gaussianEpsilon({ sigma, rounds, delta });
      const pld = lossCurveEpsilon({ sigma, rate: 1, rounds }, delta);
      expect(pld).toBeGreaterThanOrEqual(exact);
      expect(pld).toBeLessThanOrEqual(exact * 1.001);
    }
  });

  it('lies above the closed form of one sampled round at every ε, both ways', () => {
    for (const mechanism of [
      { sigma: 0.6, rate: 0.02, rounds: 1 },
      { sigma: 1, rate: 0.3, rounds: 1 },
      { sigma: 3, rate: 0.7, rounds: 1 },
    ]) {
      for (const side of ['with', 'without'] as const) {
        const curve = composeLoss(mechanism, 1e-6, side);
        for (const epsilon of [0, 0.01, 0.1, 0.3, 0.6, 1, 2, 3]) {
          const truth = deltaOfOneRound(mechanism, epsilon, side);
          if (truth > 1e-13) expect(curve(epsilon)).toBeGreaterThanOrEqual(truth * (1 - 1e-12));
          // Near the δ that the curve was made for it is tight too.
          if (truth > 1e-8 && truth < 1e-4) within(curve(epsilon), truth, 0.02);
        }
      }
    }
  });

  it('splits masses so that both tables keep their probability', () => {
    for (const direction of ['with', 'without'] as const) {
      const one = discretiseLoss({ sigma: 0.8, rate: 0.2, direction, step: 0.05, tilt: 0, reach: 9 });
      expect(one.logMoment).toBeCloseTo(0, 12); // the first table's masses sum to 1
      const other = one.masses.reduce(
        (sum, mass, i) => sum + mass * Math.exp(-(one.first + i) * one.step),
        0,
      );
      within(other, 1, 1e-12); // the second table's too
      expect(Math.min(...one.masses)).toBeGreaterThanOrEqual(0);
    }
  });

  it('rounds upwards, by less the finer the step', () => {
    const at = (step: number) => {
      const one = discretiseLoss({ sigma: 1, rate: 0.3, direction: 'with', step, tilt: 0, reach: 9 });
      const over = (mass: number, i: number) =>
        mass * Math.max(0, -Math.expm1(0.37 - (one.first + i) * step));
      return one.masses.reduce((sum, mass, i) => sum + over(mass, i), 0);
    };
    const truth = deltaOfOneRound({ sigma: 1, rate: 0.3, rounds: 1 }, 0.37, 'with');
    const errors = [0.3, 0.1, 0.025].map((step) => at(step) - truth);
    expect(errors.every((error) => error > 0)).toBe(true);
    expect(errors).toEqual([...errors].sort((a, b) => b - a));
  });
});

describe('Fourier transform', () => {
  it('is the sum that defines it, and goes back', () => {
    const n = 16;
    const real = Float64Array.from({ length: n }, (_, i) => Math.sin(i * i));
    const imaginary = Float64Array.from({ length: n }, (_, i) => Math.cos(3 * i + 1));
    const [re, im] = [real.slice(), imaginary.slice()];
    fourier(re, im);
    for (let k = 0; k < n; k++) {
      let [a, b] = [0, 0];
      for (let i = 0; i < n; i++) {
        const [c, s] = [Math.cos((2 * Math.PI * i * k) / n), -Math.sin((2 * Math.PI * i * k) / n)];
        a += real[i]! * c - imaginary[i]! * s;
        b += real[i]! * s + imaginary[i]! * c;
      }
      expect(re[k]).toBeCloseTo(a, 12);
      expect(im[k]).toBeCloseTo(b, 12);
    }
    fourier(re, im, true);
    for (let i = 0; i < n; i++) {
      expect(re[i]).toBeCloseTo(real[i]!, 12);
      expect(im[i]).toBeCloseTo(imaginary[i]!, 12);
    }
    expect(() => fourier(new Float64Array(3), new Float64Array(3))).toThrow(/length/);
  });
});

describe('accountants', () => {
  it('rank as they must: pld under rdp under moments, exact only without sampling', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.6, max: 8, noNaN: true }),
        fc.double({ min: 0.001, max: 0.9, noNaN: true }),
        fc.integer({ min: 1, max: 300 }),
        (sigma, rate, rounds) => {
          const mechanism = { sigma, rate, rounds };
          const [pld, rdp] = [accountants.pld(mechanism, 1e-5), accountants.rdp(mechanism, 1e-5)];
          expect(pld).toBeLessThanOrEqual(rdp * 1.001);
          expect(rdp).toBeLessThanOrEqual(accountants.moments(mechanism, 1e-5));
          expect(accountants.exact(mechanism, 1e-5)).toBe(Number.POSITIVE_INFINITY);
          expect(tightestEpsilon(mechanism, 1e-5).epsilon).toBe(Math.min(pld, rdp));
        },
      ),
      { numRuns: 3, seed: 2 },
    );
    expect(tightestEpsilon({ sigma: 5, rate: 1, rounds: 50 }, 1e-5)).toMatchObject({ accountant: 'exact' });
    expect(tightestEpsilon({ sigma: 5, rate: 1, rounds: 50 }, 1e-5).epsilon).toBeCloseTo(6.57297, 6);
  });

  it.each([
    [{ sigma: 0.01, rate: 0.1, rounds: 1 }, 1e-5],
    [{ sigma: 1, rate: 0, rounds: 1 }, 1e-5],
    [{ sigma: 1, rate: 1.1, rounds: 1 }, 1e-5],
    [{ sigma: 1, rate: 0.1, rounds: 0 }, 1e-5],
    [{ sigma: 1, rate: 0.1, rounds: 1.5 }, 1e-5],
    [{ sigma: 1, rate: 0.1, rounds: 1 }, 0],
    [{ sigma: 1, rate: 0.1, rounds: 1 }, 1],
    [{ sigma: Number.NaN, rate: 0.1, rounds: 1 }, 1e-5],
  ])('refuse %j, δ = %d', (mechanism, delta) => {
    expect(() => tightestEpsilon(mechanism, delta)).toThrow(/out of range/);
  });
});

describe('calibrateSampledSigma16', () => {
  it('finds the demo’s σ of 6.70 by the tightest accountant, where the Rényi one needs 7.28', () => {
    const goal = { epsilonMicro: 3_000_000, deltaPico: 100_000_000, rate: 1, rounds: 30 };
    expect(calibrateSampledSigma16(goal) / 65_536).toBeCloseTo(6.6995, 4);
    expect(renyiEpsilon({ sigma: 7.28, rate: 1, rounds: 30 }, 1e-4)).toBeCloseTo(3, 2);
    expect(renyiEpsilon({ sigma: 6.7, rate: 1, rounds: 30 }, 1e-4)).toBeGreaterThan(3.2);
  });

  it('keeps ε with sampling, and hardly less noise would not', () => {
    const goal = { epsilonMicro: 1_943_000, deltaPico: 1_000_000, rate: 0.05, rounds: 100 };
    const sigma16 = calibrateSampledSigma16(goal);
    const epsilonAt = (s16: number) =>
      tightestEpsilon({ sigma: s16 / 65_536, rate: 0.05, rounds: 100 }, 1e-6).epsilon;
    expect(sigma16 / 65_536).toBeCloseTo(1.5, 2);
    expect(epsilonAt(sigma16)).toBeLessThanOrEqual(1.943);
    expect(epsilonAt(Math.floor(sigma16 * (1 - 1 / 2000)))).toBeGreaterThan(1.943);
  });
});
