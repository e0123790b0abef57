import { strict as assert } from 'node:assert';
import { gaussianEpsilon } from './gaussianEpsilon.js';
import { lossCurveEpsilon } from './lossCurve.js';
import { momentsEpsilon } from './momentsAccountant.js';
import { renyiEpsilon } from './renyi.js';
import { calibrateSigma16, SIGMA16_MAX } from './rho.js';
import { assertDelta, assertSampledGaussian, type SampledGaussian, SIGMA_MIN } from './sampledGaussian.js';

/** ε at δ that all rounds of a mechanism amount to. Infinity: no bound below the accountant's reach. */
export type Accountant = (mechanism: SampledGaussian, delta: number) => number;

/**
 * Accountants by name, every one an upper bound. They count in doubles, for display and calibration; what a ledger
 * charges is whole numbers (rho.ts, renyiOrder.ts).
 *
 *   exact    the curve of the Gaussian mechanism itself; Infinity where records are sampled, which it doesn't know
 *   pld      the privacy loss distribution, pessimistically discretised
 *   rdp      Rényi divergences at many orders
 *   moments  as the older papers count, for comparison
 *
 * A bound from the central limit theorem ("GDP accountant") is none, and isn't here.
 */
export const accountants = {
  exact: ({ sigma, rate, rounds }, delta) =>
    rate === 1 ? gaussianEpsilon({ sigma, rounds, delta }) : Number.POSITIVE_INFINITY,
  pld: lossCurveEpsilon,
  rdp: renyiEpsilon,
  moments: momentsEpsilon,
} as const satisfies Readonly<Record<string, Accountant>>;
export type AccountantName = keyof typeof accountants;

/** The least ε that any of them vouches for: `exact` without sampling, else `pld`, or `rdp` where that's less. */
export function tightestEpsilon(
  mechanism: SampledGaussian,
  delta: number,
): { readonly epsilon: number; readonly accountant: AccountantName } {
  assertSampledGaussian(mechanism);
  assertDelta(delta);
  if (mechanism.rate === 1) return { epsilon: accountants.exact(mechanism, delta), accountant: 'exact' };
  const [pld, rdp] = [accountants.pld(mechanism, delta), accountants.rdp(mechanism, delta)];
  return pld <= rdp ? { epsilon: pld, accountant: 'pld' } : { epsilon: rdp, accountant: 'rdp' };
}

export interface Goal {
  /** ε in 1e-6, at most 64e6. */
  readonly epsilonMicro: number;
  /** δ in 1e-12, 1 .. 1e11. */
  readonly deltaPico: number;
  readonly rate: number;
  readonly rounds: number;
}

/**
 * The least σ (in 2^-16) at which all rounds keep (ε, δ) by the tightest sound accountant; never one that doesn't.
 *
 * Exact to the last unit without sampling; with it, at most 1/4096 above the least. ε = 3, δ = 1e-4, 30 rounds
 *   without sampling: 6.6995.
 * Asserts that one exists below 2^15. Cost: milliseconds without sampling, a few seconds with it.
 */
export function calibrateSampledSigma16({ epsilonMicro, deltaPico, rate, rounds }: Goal): number {
  if (rate === 1) return calibrateSigma16({ epsilonMicro, deltaPico, rounds });
  const [epsilon, delta] = [epsilonMicro / 1e6, deltaPico / 1e12];
  const at = (sigma16: number): SampledGaussian => ({ sigma: sigma16 / 65_536, rate, rounds });
  const byRenyi = (sigma16: number) => renyiEpsilon(at(sigma16), delta) <= epsilon;
  const byTightest = (sigma16: number) => tightestEpsilon(at(sigma16), delta).epsilon <= epsilon;
  // The quick accountant says from where on it holds; the slow one looks below that.
  const enough = bisect(SIGMA_MIN * 65_536 - 1, SIGMA16_MAX, 0, byRenyi);
  return bisect(SIGMA_MIN * 65_536 - 1, enough, 1 / 4096, byTightest);
}

/** The least whole number above `low` with `holds`, to a relative `tolerance`; asserts that it holds at `high`. */
export function bisect(
  low: number,
  high: number,
  tolerance: number,
  holds: (value: number) => boolean,
): number {
  assert.ok(holds(high), 'no noise in range keeps this ε and δ');
  let [below, above] = [low, high];
  while (above - below > Math.max(1, tolerance * above)) {
    // The geometric middle: the range spans six orders of magnitude.
    const middle = Math.min(
      above - 1,
      Math.max(below + 1, Math.round(Math.sqrt(Math.max(1, below) * above))),
    );
    if (holds(middle)) above = middle;
    else below = middle;
  }
  return above;
}
