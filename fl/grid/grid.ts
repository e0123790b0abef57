import { strict as assert } from 'node:assert';
import { integerSqrtCeil } from '../privacy/integerSqrt.js';

/** What a task and a round fix; everything else about the grid follows. */
export interface GridParams {
  /** Numbers of an update, 1 .. 2^22. */
  readonly dimension: number;
  /** Clipping threshold C in 2^-16, 1 .. 2^31 - 1. */
  readonly clip16: number;
  /** Noise multiplier σ in 2^-16, 0 .. 2^31 - 1; 0 stands for public data, no noise. */
  readonly sigma16: number;
  /**
   * σ of the count that travels beside the sum (see `fl/privacy/clipping/quantile.ts`), in 2^-16, 0 .. 2^31 - 1; null
   * or left out: none travels.
   */
  readonly countSigma16?: number | null;
}

/** The two lattices of a round. */
export interface Grid extends GridParams {
  readonly countSigma16: number | null;
  /** The fine step is g = 2^fineExponent. */
  readonly fineExponent: number;
  /** The wire step is g · wireMultiple · 2^wireShift; wireMultiple 1 .. 2^10 - 1, wireShift >= 0. */
  readonly wireMultiple: number;
  readonly wireShift: number;
  /** Sensitivity of the rounded sum in fine units: ⌈C/g⌉ + ⌈√dimension⌉. The noise is σ times this. */
  readonly sensitivity: number;
}

export const DIMENSION_MAX = 2 ** 22;
const FIELD16_MAX = 2 ** 31 - 1;
/** Leading bits of the wire step's multiple that are kept: it lies less than 1/512 under what it aims at. */
const MULTIPLE_BITS = 10;

/**
 * The grid of a round. Whole numbers only: every engine gets the same.
 *
 * Fine step: the largest power of two that is at most C/(100·√d). With σ = 0, at most C/max(1024, 100·√d).
 * Wire step: the largest m·2^k fine steps, with m below 2^10, that are at most σC/4; one at least. Rounding to it adds
 *   at most 1/192 to the noise's variance, and an entry of noise is some 4 wire steps whatever σ is: about 4.1 bits.
 * Sensitivity: one unit moves the sum by at most C, and rounding to the nearest moves each coordinate of the
 *   difference of two sums by at most g: C + g·√d together.
 * Asserts the ranges of `GridParams`: contracts check them when a task is published.
 */
export function createGrid(params: GridParams): Grid {
  const { dimension, clip16, sigma16, countSigma16 = null } = params;
  assertWhole(dimension, 1, DIMENSION_MAX, 'dimension');
  assertWhole(clip16, 1, FIELD16_MAX, 'clip16');
  assertWhole(sigma16, 0, FIELD16_MAX, 'sigma16');
  if (countSigma16 !== null) assertWhole(countSigma16, 0, FIELD16_MAX, 'countSigma16');
  const [d, clip, sigma] = [BigInt(dimension), BigInt(clip16), BigInt(sigma16)];

  // (C/g)² >= divisor, in integers: clip² >= divisor · 2^(2e + 32) = divisor · 4^(e + 16).
  const shortest = 100n * 100n * d;
  const divisor = sigma16 === 0 && shortest < 1024n * 1024n ? 1024n * 1024n : shortest;
  const fineExponent = floorLog2Root(clip * clip, divisor) - 16;

  // ⌊(σC/4) / g⌋ fine steps, cut to its leading bits.
  const steps = scaled(sigma * clip, -34 - fineExponent);
  const wireShift = Math.max(0, steps.toString(2).length - MULTIPLE_BITS);
  const wireMultiple = Math.max(1, Number(steps >> BigInt(wireShift)));

  const fineUnits = ceilDyadic(clip, 16 + fineExponent);
  const sensitivity = Number(fineUnits + integerSqrtCeil(d));
  return { dimension, clip16, sigma16, countSigma16, fineExponent, wireMultiple, wireShift, sensitivity };
}

/** The wire step as a number: exactly wireMultiple · 2^(fineExponent + wireShift). */
export function wireStep(grid: Grid): number {
  return grid.wireMultiple * powerOfTwo(grid.fineExponent + grid.wireShift);
}

/** Fine steps in a wire step: exact, below 2^32. */
export function wireSteps(grid: Grid): number {
  return grid.wireMultiple * powerOfTwo(grid.wireShift);
}

/** The fine step as a number: exactly 2^fineExponent. */
export function fineStep(grid: Grid): number {
  return powerOfTwo(grid.fineExponent);
}

/**
 * Upper bound on the squared norm of an honest update of `units` records, patients or devices, in wire units
 * squared, rounded up.
 *
 *   ⌈(units·C + σ·C'·(√d + √(2 ln 2^40)) + (wire step + g)/2 · √d)²⌉, C' = sensitivity · g
 *
 * The middle term is exceeded with probability below 2^-40 (concentration of the norm of d Gaussian numbers);
 *   the last one is what rounding to the two lattices can add, without which an honest update at the bound would be
 *   refused.
 * Unit: units 1 .. 2^31 - 1.
 */
export function normCapSquared(grid: Grid, units: number): bigint {
  assertWhole(units, 1, FIELD16_MAX, 'units');
  const { dimension, clip16, sigma16, fineExponent, sensitivity } = grid;
  const wire = BigInt(wireSteps(grid));
  // All in 2^-32 fine units.
  const root16 = integerSqrtCeil(BigInt(dimension) << 32n);
  const signal = (BigInt(units) * BigInt(clip16)) << BigInt(16 - fineExponent);
  const noise = BigInt(sigma16) * BigInt(sensitivity) * (root16 + TAIL16);
  const rounding = (root16 + root16 * wire) << 15n;
  const bound = signal + noise + rounding;
  const square = (wire * wire) << 64n;
  return (bound * bound + square - 1n) / square;
}

/** The most that an honest count can be, exceeded with probability below 2^-40: units + σ √(2 ln 2^40), rounded up. */
export function countCap({ countSigma16 }: Grid, units: number): number {
  assert.ok(countSigma16 !== null, 'a count is asked for');
  return units + Number(ceilDyadic(BigInt(countSigma16) * TAIL16, 32));
}

/** ⌈√(2 ln 2^40) · 2^16⌉ = ⌈√(80 ln 2) · 2^16⌉. */
const TAIL16 = 488021n;

/** Exactly 2^exponent, without Math.pow, which need not be exact. */
export function powerOfTwo(exponent: number): number {
  let power = 1;
  for (let i = 0; i < exponent; i++) power *= 2;
  for (let i = 0; i > exponent; i--) power /= 2;
  return power;
}

/** The largest e with 4^e <= numerator/denominator. */
function floorLog2Root(numerator: bigint, denominator: bigint): number {
  let e = -64;
  while (atMost(2 * (e + 1), numerator, denominator)) e++;
  return e;
}

function atMost(exponent: number, numerator: bigint, denominator: bigint): boolean {
  return exponent >= 0
    ? denominator << BigInt(exponent) <= numerator
    : denominator <= numerator << BigInt(-exponent);
}

/** ⌊value · 2^shift⌋ for any sign of shift. */
function scaled(value: bigint, shift: number): bigint {
  return shift >= 0 ? value << BigInt(shift) : value >> BigInt(-shift);
}

/** ⌈value / 2^shift⌉ for any sign of shift. */
function ceilDyadic(value: bigint, shift: number): bigint {
  if (shift <= 0) return value << BigInt(-shift);
  return (value + (1n << BigInt(shift)) - 1n) >> BigInt(shift);
}

function assertWhole(value: number, low: number, high: number, name: string): void {
  assert.ok(Number.isInteger(value) && value >= low && value <= high, `${name} out of range: ${value}`);
}
