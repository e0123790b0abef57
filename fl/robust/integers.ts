import { strict as assert } from 'node:assert';

/**
 * A vector whose entries are whole numbers of at most 2⁵³ in magnitude. All of verification is done on these: the
 * same verdict to the bit on every machine.
 */
export type IntegerVector = Int32Array | Float64Array;

/** Products are added up as numbers while the sum can't pass 2⁵³, then moved into a bigint. */
const EXACT = 2 ** 53;
const BLOCK_MIN = 32;
const HALF = 2 ** 20;

/**
 * Inner product ⟨a, b⟩ of two integer vectors, exact.
 *
 * Cost: O(d) multiplications; where products are too large for blocks of 32, the larger vector is cut into high
 *   and low halves first.
 */
export function dot(a: IntegerVector, b: IntegerVector): bigint {
  assert.equal(a.length, b.length, 'vectors of one length');
  const largestA = largest(a);
  const largestB = largest(b);
  if (largestA === 0 || largestB === 0) return 0n;
  const block = Math.floor(EXACT / (largestA * largestB));
  if (block < BLOCK_MIN) {
    const [big, other] = largestA >= largestB ? [a, b] : [b, a];
    const high = Float64Array.from(big, (entry) => Math.trunc(entry / HALF));
    const low = Float64Array.from(big, (entry) => entry % HALF);
    return dot(high, other) * BigInt(HALF) + dot(low, other);
  }
  let total = 0n;
  for (let start = 0; start < a.length; start += block) {
    const end = Math.min(a.length, start + block);
    let sum = 0;
    for (let index = start; index < end; index++) sum += a[index]! * b[index]!;
    total += BigInt(sum);
  }
  return total;
}

/** ‖a‖², exact. */
export function squaredNorm(a: IntegerVector): bigint {
  return dot(a, a);
}

/** ‖a - b‖², exact; entries at most 2⁵² in magnitude. */
export function squaredDistance(a: IntegerVector, b: IntegerVector): bigint {
  assert.equal(a.length, b.length, 'vectors of one length');
  const difference = new Float64Array(a.length);
  for (let index = 0; index < a.length; index++) difference[index] = a[index]! - b[index]!;
  return squaredNorm(difference);
}

/** numerator / denominator rounded to a whole number, halves away from zero; |numerator| <= 2⁵¹, 0 < denominator < 2⁵¹. */
export function divideRounded(numerator: number, denominator: number): number {
  // The remainder of two doubles is exact, and so is everything after it.
  const doubled = 2 * Math.abs(numerator) + denominator;
  const whole = (doubled - (doubled % (2 * denominator))) / (2 * denominator);
  return numerator < 0 && whole > 0 ? -whole : whole;
}

/** The same for big integers; denominator > 0. */
export function divideRoundedBig(numerator: bigint, denominator: bigint): bigint {
  const magnitude = numerator < 0n ? -numerator : numerator;
  const whole = (2n * magnitude + denominator) / (2n * denominator);
  return numerator < 0n ? -whole : whole;
}

/** A bigint as a number, cut to the safe integers. */
export function clampToSafe(value: bigint): number {
  const max = BigInt(Number.MAX_SAFE_INTEGER);
  return Number(value > max ? max : value < -max ? -max : value);
}

function largest(vector: IntegerVector): number {
  let max = 0;
  for (let index = 0; index < vector.length; index++) {
    const magnitude = Math.abs(vector[index]!);
    if (magnitude > max) max = magnitude;
  }
  return max;
}
