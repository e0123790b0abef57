import { strict as assert } from 'node:assert';
import { FRACTION_BITS, fraction, ONE } from './fixedPoint.js';
import { EPSILON_MAX, gaussianDelta } from './gaussianCurve.js';
import { integerSqrtCeil } from './integerSqrt.js';

/*
 * The ledger of Gaussian rounds is one whole number: ρ of zero-concentrated privacy (Bun and Steinke 2016,
 * arXiv:1605.02065) in units of 2^-40. Rounds add up. The cap of an account is the ρ at which the exact Gaussian
 * curve of the sum reaches ε at δ. Costs are rounded up, caps down.
 */

const RHO_BITS = 40n;
export const SIGMA16_MAX = 2 ** 31 - 1;
/** Above every cap: ε <= 64 and δ < 1 keep µ below 22, ρ = µ²/2 below 2^8. */
const RHO_CAP_BITS = RHO_BITS + 8n;
const MICRO = 1_000_000;
const PICO = 1_000_000_000_000;
const CAPS_REMEMBERED_MAX = 256;

/**
 * The cost of one round: ⌈2^40 · sensitivity²/(2 variance)⌉ = ⌈2^40/(2σ²)⌉.
 *
 * Unit: sigma16 is σ in 2^-16, 1 .. 2^31 - 1; the result is ρ in 2^-40.
 */
export function roundRho(sigma16: number): bigint {
  assert.ok(Number.isInteger(sigma16) && sigma16 >= 1 && sigma16 <= SIGMA16_MAX, 'noise multiplier');
  const sigma = BigInt(sigma16);
  const denominator = 2n * sigma * sigma;
  return ((1n << (RHO_BITS + 32n)) + denominator - 1n) / denominator;
}

const caps = new Map<string, bigint>();

/**
 * The largest ρ whose exact Gaussian curve keeps δ(ε) <= δ, rounded down. Whole numbers only: every node agrees.
 *
 * Unit: ε in 1e-6 (1 .. 64e6), δ in 1e-12 (1 .. 1e12 - 1); the result in 2^-40. ε = 3, δ = 1e-4 gives 0.334199.
 * Cost: a few ms the first time for a pair, remembered afterwards.
 */
export function rhoCap(epsilonMicro: number, deltaPico: number): bigint {
  assertEpsilon(epsilonMicro);
  const delta = deltaOf(deltaPico);
  const id = `${epsilonMicro}/${deltaPico}`;
  const known = caps.get(id);
  if (known !== undefined) return known;
  const epsilon = fraction(BigInt(epsilonMicro), BigInt(MICRO));
  let cap = 0n;
  for (let bit = 1n << (RHO_CAP_BITS - 1n); bit > 0n; bit >>= 1n) {
    // ε is rounded down by fraction(), which rounds the cap down too.
    if (gaussianDelta(muOfRho(cap + bit), epsilon) <= delta) cap += bit;
  }
  if (caps.size >= CAPS_REMEMBERED_MAX) caps.clear();
  caps.set(id, cap);
  return cap;
}

/**
 * The ε that a spent ρ amounts to at δ: the least whole ε (in 1e-6) with δ(ε) <= δ. The inverse of `rhoCap`:
 * it never exceeds ε of the account while ρ is within the cap.
 *
 * Unit: ρ in 2^-40, δ in 1e-12. Asserts that ε is at most 64, which holds for every ρ within a cap.
 * Cost: a few ms.
 */
export function epsilonMicroOfRho(rho: bigint, deltaPico: number): number {
  assert.ok(rho >= 0n && rho < 1n << RHO_CAP_BITS, 'range of ρ');
  const delta = deltaOf(deltaPico);
  if (rho === 0n) return 0;
  const mu = muOfRho(rho);
  const holds = (epsilonMicro: number) =>
    gaussianDelta(mu, fraction(BigInt(epsilonMicro), BigInt(MICRO))) <= delta;
  return leastWhole(0, Number(EPSILON_MAX) * MICRO, holds);
}

/**
 * The least σ (in 2^-16) with which `rounds` rounds fit under the cap of (ε, δ).
 *
 * Asserts that there is one below 2^15. Cost: as `rhoCap`.
 */
export function calibrateSigma16({
  epsilonMicro,
  deltaPico,
  rounds,
}: {
  readonly epsilonMicro: number;
  readonly deltaPico: number;
  readonly rounds: number;
}): number {
  assert.ok(Number.isInteger(rounds) && rounds >= 1, 'number of rounds');
  const cap = rhoCap(epsilonMicro, deltaPico);
  return leastWhole(1, SIGMA16_MAX, (sigma16) => BigInt(rounds) * roundRho(sigma16) <= cap);
}

/** µ = √(2ρ) in fixed point, rounded up. */
function muOfRho(rho: bigint): bigint {
  return integerSqrtCeil((2n * rho) << (2n * FRACTION_BITS - RHO_BITS));
}

function assertEpsilon(epsilonMicro: number): void {
  const max = Number(EPSILON_MAX) * MICRO;
  assert.ok(Number.isInteger(epsilonMicro) && epsilonMicro >= 1 && epsilonMicro <= max, 'range of ε');
}

function deltaOf(deltaPico: number): bigint {
  assert.ok(Number.isInteger(deltaPico) && deltaPico >= 1 && deltaPico < PICO, 'range of δ');
  return (BigInt(deltaPico) * ONE) / BigInt(PICO);
}

/** The least whole number in low .. high for which `holds`, which stays true once it is; asserts that one exists. */
export function leastWhole(low: number, high: number, holds: (value: number) => boolean): number {
  assert.ok(holds(high), 'no value in range');
  let [below, above] = [low - 1, high];
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    if (holds(middle)) above = middle;
    else below = middle;
  }
  return above;
}
