import { strict as assert } from 'node:assert';
import { faultyOf } from './quorum.js';

/** An exact probability: numerator / denominator, not reduced. */
export interface Probability {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** Above this, over the planned heights, genesis refuses M < N unless told otherwise (DESIGN.md section 5). */
export const CAPTURE_PROBABILITY_MAX: Probability = { numerator: 1n, denominator: 1_000_000_000n };

/**
 * Probability that `marked` of `validators` get a third or more of the `members` seats of one height, when
 * every validator weighs alike: P[X >= f + 1], X hypergeometric.
 *
 * With `marked` = the dishonest it is the probability of capture: from a third on they may fork the chain.
 * With `marked` = dishonest and offline it is that of stall: what is left falls short of a quorum, and since
 * one committee serves its height for good, the chain waits until enough of them are back.
 *
 * Exact: whole numbers throughout. M = N gives 0 or 1.
 * Limits: 0 <= marked <= validators, 1 <= members <= validators.
 * Cost: O(members · validators) multiplications of big integers; milliseconds at 100 of 1,000.
 */
export function captureProbability({
  validators,
  marked,
  members,
}: {
  readonly validators: number;
  readonly marked: number;
  readonly members: number;
}): Probability {
  assert(marked >= 0 && marked <= validators && members >= 1 && members <= validators, 'parts of a whole');
  let numerator = 0n;
  for (let seats = faultyOf(members) + 1; seats <= Math.min(members, marked); seats++) {
    numerator += choose(marked, seats) * choose(validators - marked, members - seats);
  }
  return { numerator, denominator: choose(validators, members) };
}

/**
 * Upper bound for at least one such height among `heights`: their sum, at most 1. For the small probabilities
 * that are acceptable at all it is exact to one part in 1 / (p · heights).
 */
export function overHeights({ numerator, denominator }: Probability, heights: number): Probability {
  const sum = numerator * BigInt(heights);
  return { numerator: sum < denominator ? sum : denominator, denominator };
}

export function exceeds(a: Probability, b: Probability): boolean {
  return a.numerator * b.denominator > b.numerator * a.denominator;
}

/** For people: the nearest number, to about 15 digits; 0 below 1e-300. Nothing is decided on it. */
export function probabilityToNumber({ numerator, denominator }: Probability): number {
  if (numerator === 0n) return 0;
  const bits = (value: bigint) => value.toString(2).length;
  const shift = Math.max(0, bits(denominator) - bits(numerator) + 60);
  return shift > 1_050 ? 0 : Number((numerator << BigInt(shift)) / denominator) * 2 ** -shift;
}

/** Binomial coefficient; 0 when k > n. */
function choose(n: number, k: number): bigint {
  if (k > n) return 0n;
  let result = 1n;
  for (let i = 1; i <= Math.min(k, n - k); i++) result = (result * BigInt(n - i + 1)) / BigInt(i);
  return result;
}
