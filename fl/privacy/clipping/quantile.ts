import { strict as assert } from 'node:assert';
import { exp, fraction, ONE } from '../fixedPoint.js';
import { roundRho } from '../rho.js';
import { assertClipping, type ClippingRule, clampClip, RATE16_MAX } from './rule.js';
import { wholeShare } from './wholeShare.js';

/**
 * The threshold follows a quantile of the units' norms: C ← C·e^(-η·(b - γ)), b the noised share of units that were not
 * clipped, γ the share that the task aims at.
 *
 * Each device releases the sum of +1 and -1 over its units with discrete Gaussian noise of its own; one unit moves that
 *   by 1, so it costs `countRho` a round, beside the update.
 * Unit: the exponent is exact, e^x rounded down to 2^-256, C to 2^-16. Whole numbers: everyone gets the same.
 * Source: Andrew, Thakkar, McMahan, Ramaswamy 2021, arXiv:1905.03871, algorithm 1. There the bit is b - 1/2 with
 *   sensitivity 1/2; twice that is ours.
 */
export const quantile: ClippingRule = {
  asksForCount: true,
  leavesOutFalls: false,
  aim16Max: 2 ** 16 - 1,
  rate16Max: RATE16_MAX,
  start(params) {
    assertClipping(params);
    assert.ok(params.aim16 <= this.aim16Max, 'a quantile is less than all');
    return { clip16: params.clip16, memory: 0n };
  },
  next(params, before, release) {
    const { whole, all } = wholeShare(release);
    // The exponent is η·(γ - b), b = whole/all.
    const aim = (all * BigInt(params.aim16) - (whole << 16n)) * BigInt(params.rate16);
    const factor = exp(fraction(aim, all << 32n));
    return { clip16: clampClip((BigInt(before.clip16) * factor) / ONE, params), memory: 0n };
  },
};

/** ρ in 2^-40 of one device's noised count, its σ in 2^-16: sensitivity 1. */
export function countRho(sigma16: number): bigint {
  return roundRho(sigma16);
}
