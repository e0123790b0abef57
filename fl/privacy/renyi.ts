import { strict as assert } from 'node:assert';
import { assertDelta, assertSampledGaussian, type SampledGaussian } from './sampledGaussian.js';

/** Orders at which a Rényi accountant looks for its least ε: 1.1 to 10.9 by 0.1, 12 to 63, and three beyond. */
export const RENYI_ORDERS: readonly number[] = [
  ...Array.from({ length: 99 }, (_, i) => 1 + (i + 1) / 10),
  ...Array.from({ length: 52 }, (_, i) => 12 + i),
  64,
  128,
  256,
];

/**
 * Rényi divergence of order α of `rounds` rounds of the sampled Gaussian mechanism, in nats.
 *
 * One round is log(A)/(α - 1), A = E over z ~ N(0, σ²) of (1 - q + q·e^((2z - 1)/(2σ²)))^α; this direction is the
 *   larger of the two (theorem 5 of the source), so it holds whether the record is put in or taken out.
 * Unit: α from 1.05 to 1024, whole or not. Infinity where it exceeds the doubles.
 * Error: A - 1 is a sum of positive terms, so the relative error stays below 1e-9 however small the divergence.
 * Cost: a whole α takes α terms, another one a few thousand.
 * Source: Mironov, Talwar, Zhang 2019, arXiv:1908.10530, section 3. For fractional orders they give two
 *   alternating series; here the integral itself is summed, which is as exact (`logExcessByIntegral`).
 */
export function renyiDivergence(mechanism: SampledGaussian, order: number): number {
  assertSampledGaussian(mechanism);
  assert.ok(order >= 1.05 && order <= 1024, `order out of range: ${order}`);
  const { sigma, rate, rounds } = mechanism;
  if (rate === 1) return (rounds * order) / (2 * sigma * sigma);
  const logExcess = Number.isInteger(order)
    ? logExcessBySum(order, sigma, rate)
    : logExcessByIntegral(order, sigma, rate);
  return (rounds * logOnePlusExp(logExcess)) / (order - 1);
}

/**
 * ε at δ from Rényi divergences at several orders; 0 where the divergence alone keeps below δ.
 *
 *   ε = D_α + log((α - 1)/α) - (log δ + log α)/(α - 1), the least over all orders
 *
 * Source: Balle et al. 2020, arXiv:1905.09982, theorem 21; Canonne, Kamath, Steinke 2020, arXiv:2004.00010,
 *   proposition 12. The zero: total variation is at most √(1 - e^-D) (Bretagnolle and Huber), for any order.
 */
export function epsilonOfRenyi(
  orders: readonly number[],
  divergences: readonly number[],
  delta: number,
): number {
  assertDelta(delta);
  let least = Number.POSITIVE_INFINITY;
  for (const [i, order] of orders.entries()) {
    const divergence = divergences[i]!;
    if (delta * delta + Math.expm1(-divergence) >= 0) return 0;
    const epsilon = divergence + Math.log1p(-1 / order) - (Math.log(delta) + Math.log(order)) / (order - 1);
    least = Math.min(least, Math.max(0, epsilon));
  }
  return least;
}

/** The Rényi accountant: an upper bound on ε at δ. q = 0.04, σ = 1.5, 2250 rounds, δ = 1e-5: 7.329. */
export function renyiEpsilon(
  mechanism: SampledGaussian,
  delta: number,
  orders: readonly number[] = RENYI_ORDERS,
): number {
  const divergences = orders.map((order) => renyiDivergence(mechanism, order));
  return epsilonOfRenyi(orders, divergences, delta);
}

/** log(A - 1) for whole α: sum over k >= 2 of C(α, k) (1 - q)^(α - k) q^k (e^(k(k - 1)/(2σ²)) - 1). */
function logExcessBySum(order: number, sigma: number, rate: number): number {
  const [logRate, logRest] = [Math.log(rate), Math.log1p(-rate)];
  let logBinomial = Math.log(order);
  const logs: number[] = [];
  for (let k = 2; k <= order; k++) {
    logBinomial += Math.log((order - k + 1) / k);
    const exponent = (k * (k - 1)) / (2 * sigma * sigma);
    logs.push(logBinomial + (order - k) * logRest + k * logRate + logExpMinusOne(exponent));
  }
  return logSumExp(logs);
}

/**
 * log(A - 1) for any α: A - 1 is the integral of φ(z/σ)/σ · ((1 + u)^α - 1 - αu), u = q(e^((2z - 1)/(2σ²)) - 1), since
 * u has mean zero; the bracket is never negative.
 *
 * The trapezoid rule. The integrand is analytic in a strip of half-width πσ² (where 1 + u = 0) and falls like a
 * Gaussian, so the error falls as e^(-2π·πσ²/h) and e^(-2π²σ²/h²): at h = min(σ, σ²)/4, below 1e-30 of the whole.
 * Source: Trefethen and Weideman 2014, doi:10.1137/130932132.
 */
function logExcessByIntegral(order: number, sigma: number, rate: number): number {
  const step = Math.min(sigma, sigma * sigma) / 4;
  const [low, high] = [-12 * sigma, order + 12 * sigma];
  const steps = Math.ceil((high - low) / step);
  const logs: number[] = [];
  for (let i = 0; i <= steps; i++) {
    const z = low + i * step;
    const density = (-z * z) / (2 * sigma * sigma) - Math.log(sigma * Math.sqrt(2 * Math.PI));
    const exponent = (2 * z - 1) / (2 * sigma * sigma);
    logs.push(density + logBracket(order, exponent, rate));
  }
  return logSumExp(logs) + Math.log(step);
}

/** log((1 + u)^α - 1 - αu) for u = q(e^exponent - 1) > -1. */
function logBracket(order: number, exponent: number, rate: number): number {
  const u = rate * Math.expm1(exponent);
  if (Math.abs(u) * order < 0.02) {
    // α(α - 1)/2 u² + ...: the terms before cancel, so they are not formed.
    let term = (order * (order - 1) * u * u) / 2;
    let sum = 0;
    for (let k = 3; k <= 14; k++) {
      sum += term;
      term *= ((order - k + 1) * u) / k;
    }
    return Math.log(sum);
  }
  const logPower = order * logMixture(exponent, rate);
  if (logPower < 600) return Math.log(Math.expm1(logPower) - order * u);
  return logPower; // the rest is below 1.05·e^(-600·0.05/1.05) of it
}

/** log(1 - q + q·e^x) without overflow: the privacy loss of a sampled Gaussian whose plain loss is x. */
export function logMixture(x: number, rate: number): number {
  if (x > 30) return x + Math.log(rate) + Math.log1p(((1 - rate) / rate) * Math.exp(-x));
  return Math.log1p(rate * Math.expm1(x));
}

function logExpMinusOne(x: number): number {
  return x > 30 ? x + Math.log1p(-Math.exp(-x)) : Math.log(Math.expm1(x));
}

function logOnePlusExp(x: number): number {
  return x > 30 ? x + Math.exp(-x) : Math.log1p(Math.exp(x));
}

export function logSumExp(logs: readonly number[]): number {
  const largest = logs.reduce((max, log) => Math.max(max, log), Number.NEGATIVE_INFINITY);
  if (!Number.isFinite(largest)) return largest;
  let sum = 0;
  for (const log of logs) sum += Math.exp(log - largest);
  return largest + Math.log(sum);
}
