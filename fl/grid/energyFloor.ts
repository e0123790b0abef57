import { logarithm, ONE } from '../privacy/fixedPoint.js';
import { integerSqrt } from '../privacy/integerSqrt.js';
import { type Grid, wireSteps } from './grid.js';

/** An honest update falls below the floor with probability below 2^-20. */
const LEVEL_BITS = 20n;
const LN_2 = logarithm(2n, 1n);
const SHARES_REMEMBERED_MAX = 256;

/**
 * Lower bound on the squared norm of an honest update with noise, in wire units squared, rounded down: who forgets the
 * noise, and has little else to send, stays below it.
 *
 *   (√t·σ·C' - wire step/2)²·d, C' = sensitivity · g, as far as it is positive
 *
 * The energy of d noised entries is at least as large as that of the noise alone, in distribution, whatever they hide
 *   (Anderson's inequality), and that is χ² with d degrees: below t·d with probability at most (t·e^(1 - t))^(d/2), which
 *   t keeps at 2^-20. Rounding to the wire takes away half a step of each entry at most.
 * 0 where the noise is under two fine steps: there it is discrete through and through. It's weak for few parameters
 *   (nothing at nine, a step or two at sixteen) and nears 0.77 of the noise's own energy for many; 0.58 at a thousand.
 * Source: Laurent and Massart 2000 for the kind of bound, here by Chernoff's own. Cost: a hundred logarithms for a
 *   dimension, remembered.
 */
export function energyFloorSquared(grid: Grid): bigint {
  const { dimension, sigma16, sensitivity } = grid;
  const wire = BigInt(wireSteps(grid));
  const deviation16 = BigInt(sigma16) * BigInt(sensitivity); // in 2^-16 fine units
  if (deviation16 < 2n << 16n) return 0n;
  // √t·deviation in 2^-32 fine units: the root of t, which is in 2^-32, has 16 bits.
  const least = integerSqrt(energyShare32(dimension)) * deviation16 - (wire << 31n);
  return least <= 0n ? 0n : (least * least * BigInt(dimension)) / ((wire * wire) << 64n);
}

const shares = new Map<number, bigint>();

/** The largest t (in 2^-32) with t·e^(1 - t) <= 2^(-40/d), rounded down. */
function energyShare32(dimension: number): bigint {
  const known = shares.get(dimension);
  if (known !== undefined) return known;
  const most = (-2n * LEVEL_BITS * LN_2) / BigInt(dimension);
  let share = 0n;
  for (let bit = 1n << 31n; bit > 0n; bit >>= 1n) {
    const t = share + bit;
    if (logarithm(t, 1n << 32n) + ONE - (t * ONE) / (1n << 32n) <= most) share = t;
  }
  if (shares.size >= SHARES_REMEMBERED_MAX) shares.clear();
  shares.set(dimension, share);
  return share;
}
