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

/** ‖a‖², exact. Cost: O(d); some ns an entry of an Int32Array. */
export function squaredNorm(a: IntegerVector): bigint {
  return a instanceof Int32Array ? squaredNorm32(a) : dot(a, a);
}

/** Of so many entries, sums of products below 2³² are exact in doubles. */
const BLOCK_32 = 2 ** 21;

function squaredNorm32(a: Int32Array): bigint {
  let total = 0n;
  for (let start = 0; start < a.length; start += BLOCK_32) {
    const block = a.subarray(start, start + BLOCK_32);
    let all = 0;
    for (let index = 0; index < block.length; index++) all |= block[index]! ^ (block[index]! >> 31);
    total += all < 2 ** 16 ? smallSquares(block) : anySquares(block);
  }
  return total;
}

/** Entries in -2¹⁶ .. 2¹⁶ - 1: what updates are made of. */
function smallSquares(block: Int32Array): bigint {
  let sum = 0;
  for (let index = 0; index < block.length; index++) sum += block[index]! * block[index]!;
  return BigInt(sum);
}

/**
 * An entry is 2¹⁶ h + l with h in -2¹⁵ .. 2¹⁵ - 1 and l in 0 .. 2¹⁶ - 1, so its square is 2³² h² + 2¹⁷ h l + l², each
 * product below 2³².
 */
function anySquares(block: Int32Array): bigint {
  let highs = 0;
  let mixed = 0;
  let lows = 0;
  for (let index = 0; index < block.length; index++) {
    const high = block[index]! >> 16;
    const low = block[index]! & 0xffff;
    highs += high * high;
    mixed += high * low;
    lows += low * low;
  }
  return (BigInt(highs) << 32n) + (BigInt(mixed) << 17n) + BigInt(lows);
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
