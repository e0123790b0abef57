import { strict as assert } from 'node:assert';
import { fourier } from './fourier.js';
import {
  type Direction,
  densityAt,
  discretiseLoss,
  type LossDistribution,
  lossAt,
} from './lossDistribution.js';
import { RENYI_ORDERS, renyiDivergence } from './renyi.js';
import { assertDelta, assertSampledGaussian, type SampledGaussian } from './sampledGaussian.js';

/** Multiples of the step that a standard deviation of one round's loss spans. */
const RESOLUTION = 32;
const BINS_MAX = 2 ** 21;
/** Of the tilted mass, at most e^-30 lies beyond either end of the window. */
const WINDOW_NATS = 30;
const EPSILON_MAX = 512;

/**
 * ε at δ by the tight accountant: the privacy loss of one round is discretised pessimistically and composed by Fourier
 * transform, for a table with the record against one without it, both ways; the larger ε counts.
 *
 * Never below the truth: discretisation, tails, wrap-around and rounding errors are all added to δ. Within 0.2 % of it
 *   usually; Infinity where the errors alone exceed δ.
 * The sums are tilted by e^(λ·loss), λ + 1 the best Rényi order, so that what decides δ lies in the middle of the window
 *   and rounding errors are small beside δ instead of beside 1.
 * Cost: 50 to 500 ms.
 * Source: Koskela, Jälkö, Honkela 2020, arXiv:1906.03049 (Fourier accountant); Gopi, Lee, Wutschitz 2021,
 *   arXiv:2106.02848; Doroshenko et al. 2022, arXiv:2207.04380 (discretisation). Infinite losses and both directions:
 *   Zhu, Dong, Wang 2022, arXiv:2106.08567.
 */
export function lossCurveEpsilon(mechanism: SampledGaussian, delta: number): number {
  assertDelta(delta);
  return Math.max(
    epsilonOf(composeLoss(mechanism, delta, 'with'), delta),
    epsilonOf(composeLoss(mechanism, delta, 'without'), delta),
  );
}

/** An upper bound on δ as a function of ε for all rounds together, tight near `delta`. */
export type LossCurve = (epsilon: number) => number;

export function composeLoss(mechanism: SampledGaussian, delta: number, direction: Direction): LossCurve {
  assertSampledGaussian(mechanism);
  const { sigma, rate, rounds } = mechanism;
  const tilt = bestOrder(mechanism, delta) - 1;
  // What is cut from the noise's tails may cost a millionth of δ.
  const reach = Math.sqrt(2 * Math.log((1e6 * rounds) / delta));
  const point = { sigma, rate, direction, tilt, reach };
  const spread = tiltedDeviation(point);
  const range = spread * 2 * WINDOW_NATS * Math.sqrt(rounds);
  const step = Math.max(Math.min(spread, 1 / Math.sqrt(rounds)) / RESOLUTION, range / BINS_MAX);
  return curveOf(discretiseLoss({ ...point, step }), rounds);
}

function epsilonOf(curve: LossCurve, delta: number): number {
  if (curve(0) <= delta) return 0;
  let [below, above] = [0, 1];
  while (curve(above) > delta) {
    below = above;
    above *= 2;
    if (above > EPSILON_MAX) return Number.POSITIVE_INFINITY;
  }
  for (let i = 0; i < 40; i++) {
    const middle = (below + above) / 2;
    if (curve(middle) <= delta) above = middle;
    else below = middle;
  }
  return above;
}

/** The order at which the Rényi accountant finds its ε: the tilt that puts the middle of the sum near that ε. */
function bestOrder(mechanism: SampledGaussian, delta: number): number {
  let [best, least] = [2, Number.POSITIVE_INFINITY];
  for (const order of RENYI_ORDERS) {
    const epsilon = renyiDivergence(mechanism, order) - Math.log(delta * order) / (order - 1);
    if (epsilon < least) [best, least] = [order, epsilon];
  }
  return best;
}

/** Standard deviation of one round's loss under the tilted density, roughly: it only chooses the step. */
function tiltedDeviation(
  point: Parameters<typeof lossAt>[1] & { readonly tilt: number; readonly reach: number },
): number {
  const { sigma, tilt, reach } = point;
  const pieces = 4000;
  const [low, high] = [-reach * sigma, 1 + reach * sigma];
  let [top, sum, mean, square] = [Number.NEGATIVE_INFINITY, 0, 0, 0];
  for (let i = 0; i <= pieces; i++) {
    const y = low + ((high - low) * i) / pieces;
    const loss = lossAt(y, point);
    const log = Math.log(densityAt(y, point)) + tilt * loss;
    if (!Number.isFinite(log)) continue;
    const scale = Math.exp(Math.min(0, top - log));
    const weight = Math.exp(Math.min(0, log - top));
    top = Math.max(top, log);
    sum = sum * scale + weight;
    mean = mean * scale + weight * loss;
    square = square * scale + weight * loss * loss;
  }
  return Math.sqrt(Math.max(1e-24, square / sum - (mean / sum) ** 2));
}

function curveOf(one: LossDistribution, rounds: number): LossCurve {
  const { step, tilt, logMoment, infinite } = one;
  const { low, high, size } = windowOf(one, rounds);
  const [real, imaginary] = [new Float64Array(size), new Float64Array(size)];
  for (let i = 0; i < one.masses.length; i++) real[wrap(one.first + i, size)]! += one.masses[i]!;
  fourier(real, imaginary);
  powerInPlace(real, imaginary, rounds);
  fourier(real, imaginary, true);
  const norm = Math.sqrt(real.reduce((sum, x) => sum + x * x, 0));
  const relativeError = 2 ** -52 * (10 * Math.log2(size) + 4) * rounds;
  const infiniteMass = Math.min(1, rounds * infinite);
  // Above the window the weight is at most e^(-tilt·loss), which falls; the tilted mass there is below e^-WINDOW_NATS.
  const beyond = Math.exp(rounds * logMoment - tilt * high * step - WINDOW_NATS);
  return (epsilon) => {
    let [sum, weights] = [0, 0];
    // The largest weight is e^(rounds·logMoment - tilt·ε): outside the sum it can't overflow it.
    const start = Math.max(low, Math.floor(epsilon / step) + 1);
    for (let k = start; k <= high; k++) {
      const over = k * step - epsilon;
      const weight = Math.exp(-tilt * over) * -Math.expm1(-over);
      sum += weight * Math.max(0, real[wrap(k, size)]!);
      weights += weight * weight;
    }
    const scale = Math.exp(rounds * logMoment - tilt * epsilon);
    const below = epsilon < low * step ? Number.POSITIVE_INFINITY : 0; // the window has nothing to say there
    const delta = scale * (sum + relativeError * norm * Math.sqrt(weights));
    return Math.min(1, infiniteMass + beyond + below + delta);
  };
}

/**
 * The multiples of the step that the tilted sum of all rounds stays between but for e^-WINDOW_NATS on either side, by
 * Chernoff's bound, and the least power of two that holds them. What lies outside wraps around and adds to δ.
 */
function windowOf(one: LossDistribution, rounds: number): { low: number; high: number; size: number } {
  const { masses, first } = one;
  let [mean, square] = [0, 0];
  for (let i = 0; i < masses.length; i++) mean += masses[i]! * i;
  for (let i = 0; i < masses.length; i++) square += masses[i]! * (i - mean) ** 2;
  const deviation = Math.sqrt(rounds * square);
  let [up, down] = [masses.length * rounds, masses.length * rounds];
  for (let j = -2; j <= 5; j++) {
    const rateOf = 2 ** j / deviation;
    up = Math.min(up, (rounds * logMean(masses, mean, rateOf) + WINDOW_NATS) / rateOf);
    down = Math.min(down, (rounds * logMean(masses, mean, -rateOf) + WINDOW_NATS) / rateOf);
  }
  const centre = rounds * (first + mean);
  const [low, high] = [Math.floor(centre - down), Math.ceil(centre + up)];
  let size = 1;
  while (size < high - low + 1) size *= 2;
  assert.ok(size <= 16 * BINS_MAX, 'the window of a composed loss');
  return { low, high, size };
}

/** log of the mean of e^(rate · (i - mean)) over the masses. */
function logMean(masses: Float64Array, mean: number, rate: number): number {
  let top = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < masses.length; i++)
    if (masses[i]! > 0) top = Math.max(top, rate * (i - mean) + Math.log(masses[i]!));
  let sum = 0;
  for (let i = 0; i < masses.length; i++)
    if (masses[i]! > 0) sum += Math.exp(rate * (i - mean) + Math.log(masses[i]!) - top);
  return top + Math.log(sum);
}

/** z^power for each complex number, by squaring: relative error about power · 4 · 2^-53. */
function powerInPlace(real: Float64Array, imaginary: Float64Array, power: number): void {
  for (let i = 0; i < real.length; i++) {
    let [a, b, c, s] = [real[i]!, imaginary[i]!, 1, 0];
    for (let rest = power; ; ) {
      if (rest % 2 === 1) [c, s] = [c * a - s * b, c * b + s * a];
      rest = Math.floor(rest / 2);
      if (rest === 0) break;
      [a, b] = [a * a - b * b, 2 * a * b];
    }
    real[i] = c;
    imaginary[i] = s;
  }
}

function wrap(k: number, size: number): number {
  return ((k % size) + size) % size;
}
