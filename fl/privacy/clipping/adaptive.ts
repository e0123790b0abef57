import { strict as assert } from 'node:assert';
import { wireSteps } from '../../grid/index.js';
import { integerSqrt } from '../integerSqrt.js';
import {
  AIM16_MAX,
  assertClipping,
  type ClippingRelease,
  type ClippingRule,
  clampClip,
  RATE16_MAX,
} from './rule.js';

/** The mean square of updates is kept in 2^-64. */
const ENERGY_BITS = 64;

/**
 * The threshold follows the size of the mean update:
 *
 *   E ← (1 - γ)·E + γ·(‖ḡ‖² - P),  C = β·√max(0, E), kept within clipMin .. clip
 *
 * ḡ is the mean clipped gradient of a unit: of several local steps, the mean of them too.
 * P is what the noise alone adds to ‖ḡ‖², known exactly: K updates of d entries, each with noise of variance
 *   (σ·sensitivity)² on the fine lattice and 1/12 of a wire step squared from rounding. Without taking it off (as
 *   equations 5 and 6 of the source have it) the rule measures its own noise: once β²P/C² > 1 every round raises C,
 *   and C the noise. E may fall below zero by chance, and is kept so: it's the mean that has no bias.
 * Start: E = (C/β)², so round 1 has C. Cost: a few products of large integers; nothing depends on the engine.
 * Source: Chang, Fang, Sun 2021 (Security and Communication Networks, "A blockchain-based federated learning method for
 *   smart healthcare"), equations 5 and 6, mended.
 */
export const adaptive: ClippingRule = {
  asksForCount: false,
  leavesOutFalls: false,
  aim16Max: AIM16_MAX,
  rate16Max: RATE16_MAX,
  start(params) {
    assertClipping(params);
    const { clip16, aim16 } = params;
    const square = (BigInt(clip16) << BigInt(ENERGY_BITS / 2)) / BigInt(aim16);
    return { clip16, memory: square * square };
  },
  next(params, before, release) {
    const rate = BigInt(params.rate16);
    const memory = (((1n << 16n) - rate) * before.memory + rate * meanSquare(release)) >> 16n;
    const root = memory > 0n ? integerSqrt(memory) : 0n; // in 2^-32
    return { clip16: clampClip((BigInt(params.aim16) * root) >> 32n, params), memory };
  },
};

/** ‖ḡ‖² - P in 2^-64, rounded down. */
function meanSquare({ grid, squaredNorm, devices, divisor, gradients32 }: ClippingRelease): bigint {
  assert.ok(devices >= 1 && divisor >= 1 && gradients32 >= 1, 'a release of at least one update');
  const { dimension, sigma16, sensitivity, fineExponent } = grid;
  const wire = BigInt(wireSteps(grid));
  // All in 2^-32 fine units squared, twelvefold.
  const signal = 12n * ((squaredNorm * wire * wire) << 32n);
  const deviation16 = BigInt(sigma16) * BigInt(sensitivity);
  const rounding = (wire * wire) << 32n;
  const noise = BigInt(devices) * BigInt(dimension) * (12n * deviation16 * deviation16 + rounding);
  // Divided by (divisor · gradients)², gradients in 2^-32.
  const shift = ENERGY_BITS - 32 + 2 * fineExponent + 64;
  const excess = signal - noise;
  const scaled = shift >= 0 ? excess << BigInt(shift) : excess >> BigInt(-shift);
  const gradients = BigInt(divisor) * BigInt(gradients32);
  return floorDivide(scaled, 12n * gradients * gradients);
}

function floorDivide(numerator: bigint, denominator: bigint): bigint {
  const quotient = numerator / denominator;
  return numerator % denominator < 0n ? quotient - 1n : quotient;
}
