import { strict as assert } from 'node:assert';
import { expUp, FRACTION_BITS, fraction, logarithm, ONE } from './fixedPoint.js';
import { EPSILON_MAX } from './gaussianCurve.js';
import { integerSqrt } from './integerSqrt.js';
import { epsilonMicroOfRho, SIGMA16_MAX } from './rho.js';

/*
 * The ledger of sampled rounds in whole numbers: Rényi divergence of one fixed order, in 2^-40 nats. Rounds add up, also
 * when what comes next depends on what came out (Feldman and Zrnic 2021, arXiv:2008.11193, theorem 3.1), as long as the
 * order was chosen before the first release: a filter that passes while any one of many orders has room left has no
 * such theorem. So a ledger names its order when it is declared. Costs are rounded up, caps down.
 */

/** Orders that a ledger may name. */
export const LEDGER_ORDERS: readonly number[] = [...Array.from({ length: 63 }, (_, i) => i + 2), 128, 256];

const UNIT_BITS = 40n;
const RATE_ONE = 2n ** 32n;
/** No cap reaches it: ε <= 64 and δ < 1 keep caps below 2^7 nats. What costs more is charged as this. */
export const RENYI_COST_MAX = 1n << (UNIT_BITS + 8n);
/** More than all rounding errors of a logarithm here. */
const SLACK = ONE >> 200n;

/**
 * Rényi divergence of the given order of one round of the sampled Gaussian mechanism, rounded up.
 *
 * Unit: sigma16 is σ in 2^-16; rate32 the share of secretly sampled records in 2^-32, 1 .. 2^32 (all of them); the
 *   result in 2^-40 nats, at most RENYI_COST_MAX.
 * Rule: log(Σ C(α, k) (1 - q)^(α - k) q^k e^(k(k - 1)/(2σ²)))/(α - 1), the products exact, exponentials rounded up.
 * Cost: some ms at order 256 the first time, remembered afterwards.
 * Source: Mironov, Talwar, Zhang 2019, arXiv:1908.10530, section 3.3.
 */
export function renyiCost(order: number, sigma16: number, rate32: number): bigint {
  const id = `${order}/${sigma16}/${rate32}`;
  const known = costs.get(id);
  if (known !== undefined) return known;
  const cost = computeCost(order, sigma16, rate32);
  if (costs.size >= COSTS_REMEMBERED_MAX) costs.clear();
  costs.set(id, cost);
  return cost;
}

const COSTS_REMEMBERED_MAX = 4_096;
const costs = new Map<string, bigint>();

function computeCost(order: number, sigma16: number, rate32: number): bigint {
  assertOrder(order);
  assert.ok(Number.isInteger(sigma16) && sigma16 >= 1 && sigma16 <= SIGMA16_MAX, 'noise multiplier');
  assert.ok(Number.isInteger(rate32) && rate32 >= 1 && rate32 <= 2 ** 32, 'sampling rate');
  const alpha = BigInt(order);
  const twiceVariance = 2n * BigInt(sigma16) ** 2n; // in 2^-32
  if (BigInt(rate32) === RATE_ONE) return least(ceilDivide(alpha << (32n + UNIT_BITS), twiceVariance));
  // The last term alone gives α/(2σ²) + α/(α - 1)·log q, and log q is above -23: here that's more than the most.
  if (alpha << 32n > 512n * twiceVariance) return RENYI_COST_MAX;
  const [rate, rest] = [BigInt(rate32), RATE_ONE - BigInt(rate32)];
  let sum = 0n;
  let binomial = 1n;
  for (let k = 0n; k <= alpha; k++) {
    const exponential = expUp(fraction((k * (k - 1n)) << 32n, twiceVariance));
    const product = binomial * rate ** k * rest ** (alpha - k);
    sum += (product * exponential.mantissa) << exponential.exponent;
    binomial = (binomial * (alpha - k)) / (k + 1n);
  }
  const log = logarithm(sum, 1n << (FRACTION_BITS + 32n * alpha)) + SLACK;
  return least(ceilDivide(log, (alpha - 1n) << (FRACTION_BITS - UNIT_BITS)));
}

/**
 * The most Rényi divergence of this order that keeps (ε, δ), rounded down; null where the order can't keep it at all.
 *
 *   ε - log((α - 1)/α) + (log δ + log α)/(α - 1)
 *
 * Unit: ε in 1e-6, δ in 1e-12; the result in 2^-40 nats. Source: as `epsilonOfRenyi`.
 */
export function renyiCap(order: number, epsilonMicro: number, deltaPico: number): bigint | null {
  assertOrder(order);
  assert.ok(Number.isInteger(epsilonMicro) && epsilonMicro >= 1, 'range of ε');
  assert.ok(epsilonMicro <= Number(EPSILON_MAX) * 1e6, 'range of ε');
  assert.ok(Number.isInteger(deltaPico) && deltaPico >= 1 && deltaPico < 1e12, 'range of δ');
  const alpha = BigInt(order);
  const epsilon = fraction(BigInt(epsilonMicro), 1_000_000n);
  const shape = logarithm(alpha, alpha - 1n);
  const tail = logarithm(BigInt(deltaPico) * alpha, 10n ** 12n) / (alpha - 1n);
  const cap = epsilon + shape + tail - SLACK;
  return cap <= 0n ? null : cap >> (FRACTION_BITS - UNIT_BITS);
}

/**
 * The noise multiplier of two releases about the same units as one: 1/σ² = 1/σ₁² + 1/σ₂², rounded down.
 *
 * A sum and a count that rest on one sample are one sampled Gaussian mechanism whose signal is both side by side; each of
 * the two measured in its own noise, it is 1/σ long. Unit: 2^-16, all three, 1 and more.
 */
export function withCount(sigma16: number, countSigma16: number): number {
  const [a, b] = [BigInt(sigma16) ** 2n, BigInt(countSigma16) ** 2n];
  const joint = Number(integerSqrt((a * b) / (a + b)));
  return Math.max(1, joint);
}

/**
 * The ε (in 1e-6, rounded up) that a spent divergence of this order amounts to at δ: the inverse of `renyiCap`, so it never
 * exceeds ε of the account while the divergence is within the cap. Unit: 2^-40 nats, δ in 1e-12.
 */
export function epsilonMicroOfRenyi(order: number, divergence: bigint, deltaPico: number): number {
  assertOrder(order);
  if (divergence === 0n) return 0;
  const alpha = BigInt(order);
  const shape = logarithm(alpha, alpha - 1n);
  const tail = logarithm(BigInt(deltaPico) * alpha, 10n ** 12n) / (alpha - 1n);
  const epsilon = (divergence << (FRACTION_BITS - UNIT_BITS)) - shape - tail + SLACK;
  return epsilon <= 0n ? 0 : Number(ceilDivide(epsilon * 1_000_000n, ONE));
}

function least(cost: bigint): bigint {
  return cost < RENYI_COST_MAX ? cost : RENYI_COST_MAX;
}

function ceilDivide(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}

function assertOrder(order: number): void {
  assert.ok(LEDGER_ORDERS.includes(order), `no order of a ledger: ${order}`);
}

/**
 * The ε (in 1e-6, rounded up) that what a ledger holds amounts to at δ. `rhoSpent` as the ledger counts: ρ, or the
 * divergence of its order divided by it.
 */
export function epsilonMicroOfLedger({
  order,
  rhoSpent,
  deltaPico,
}: {
  readonly order: number | null;
  readonly rhoSpent: bigint;
  readonly deltaPico: number;
}): number {
  return order === null
    ? epsilonMicroOfRho(rhoSpent, deltaPico)
    : epsilonMicroOfRenyi(order, rhoSpent * BigInt(order), deltaPico);
}
