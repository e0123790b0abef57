import { strict as assert } from 'node:assert';
import { FRACTION_BITS, ONE } from './fixedPoint.js';
import { EPSILON_MAX, gaussianDelta } from './gaussianCurve.js';
import { integerSqrtCeil } from './integerSqrt.js';

/**
 * Exact Gaussian accountant without subsampling (q = 1): the ε at δ of `rounds` Gaussian releases with noise
 * multiplier `sigma`. For display and calibration; a ledger uses `rhoCap` and `epsilonMicroOfRho`.
 *
 * Unit: sigma > 0 (taken to 2^-32), delta in 1e-12 .. 1. Infinity stands for more than 64.
 * Error: below 1e-9, upwards. σ = 5, T = 50, δ = 1e-5 gives 6.572970.
 * Source: Balle and Wang 2018, arXiv:1805.06530; Dong, Roth, Su 2019, arXiv:1905.02383 (composition).
 */
export function gaussianEpsilon({
  sigma,
  rounds,
  delta,
}: {
  readonly sigma: number;
  readonly rounds: number;
  readonly delta: number;
}): number {
  assert.ok(sigma >= 2 ** -16 && sigma <= 2 ** 20, 'noise multiplier');
  assert.ok(Number.isInteger(rounds) && rounds >= 1, 'number of rounds');
  assert.ok(delta >= 1e-12 && delta < 1, 'range of δ');
  const sigma32 = BigInt(Math.floor(sigma * 2 ** 32));
  const mu = integerSqrtCeil((BigInt(rounds) << (64n + 2n * FRACTION_BITS)) / (sigma32 * sigma32));
  // A double of at least 1e-12 is a whole multiple of 2^-100: nothing is lost here.
  const deltaFixed = BigInt(delta * 2 ** 100) << (FRACTION_BITS - 100n);
  const holds = (epsilon: bigint) => gaussianDelta(mu, epsilon) <= deltaFixed;
  const unit = ONE >> 32n;
  if (holds(0n)) return 0;
  let [below, above] = [0n, (EPSILON_MAX * ONE) / unit];
  if (!holds(above * unit)) return Number.POSITIVE_INFINITY;
  while (above - below > 1n) {
    const middle = (below + above) >> 1n;
    if (holds(middle * unit)) above = middle;
    else below = middle;
  }
  return Number(above) / 2 ** 32;
}
