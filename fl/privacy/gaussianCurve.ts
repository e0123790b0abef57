import { strict as assert } from 'node:assert';
import { exp, fraction, normalDensity, normalSeries, ONE } from './fixedPoint.js';

/** Largest ε the curve is computed for. Nobody is protected by more. */
export const EPSILON_MAX = 64n;

/** Where a tail is left out: Φ(-8) < 2^-50, below every δ in use (at least 1e-12). */
const TAIL = 8n * ONE;
const TAIL_BOUND = ONE >> 50n;
/** More than the sum of all rounding errors below. */
const SLACK = ONE >> 110n;

/**
 * δ(ε) of Gaussian mechanisms with total sensitivity-to-noise ratio µ (any number of rounds: µ² is the sum of
 * their squares, 2ρ in zCDP terms), exact up to 2^-109 and never too small.
 *
 *   δ = Φ(a) - e^ε·Φ(-b) with a = µ/2 - ε/µ, b = µ/2 + ε/µ
 *
 * Since φ(a) = e^ε·φ(b), with Φ(x) = 1/2 + φ(x)·S(x) this is (1 - e^ε)/2 + φ(a)·(S(a) + S(b)).
 *
 * Unit: µ > 0, ε in 0 .. 64 and the result in fixed point (fixedPoint.ts). Grows with µ, falls with ε. Outside
 *   |a| <= 8 it answers 2^-50 or 1, which bounds δ from above and keeps its order.
 * Error: |a| <= 8 gives φ(a) > 2^-48, so two units are a relative 2^-207; φ(a)·S(b) <= e^64/2 < 2^92.
 * The noise of this project is discrete; its curve differs from this one by a relative O(1/s²), where s, its
 *   standard deviation in fine units, is at least 100·σ.
 * Source: Balle and Wang 2018, arXiv:1805.06530, theorem 8.
 */
export function gaussianDelta(mu: bigint, epsilon: bigint): bigint {
  assert.ok(mu > 0n && epsilon >= 0n && epsilon <= EPSILON_MAX * ONE, 'range of the Gaussian curve');
  const ratio = fraction(epsilon, mu);
  const a = (mu >> 1n) - ratio;
  const b = (mu >> 1n) + ratio;
  if (a < -TAIL) return TAIL_BOUND;
  if (a > TAIL) return ONE;
  const delta = ((ONE - exp(epsilon)) >> 1n) + (normalDensity(a) * (normalSeries(a) + normalSeries(b))) / ONE;
  return delta + SLACK;
}
