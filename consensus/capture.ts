import { strict as assert } from 'node:assert';
import { faultyOf } from './quorum.js';

/** An exact probability: numerator / denominator, not reduced. */
export interface Probability {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** Above this, over the planned heights, genesis refuses M < N unless told otherwise. */
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

/** Validators that weigh alike. `weight` is their reputation, a whole number >= 1. */
export interface WeighedGroup {
  readonly validators: number;
  readonly weight: number;
}

/**
 * The same probability when the marked validators weigh otherwise than the rest: seats are drawn one after another
 * in proportion to the weight of those left (drawCommittee), so who weighs more is in more committees.
 *
 * Whole numbers throughout, by the seats the marked ones have after each draw; every product is rounded up at the
 *   512th binary digit, so the result is an upper bound, by less than 2^-490, and 0 stays 0. (Exact fractions of this
 *   sum have thousands of digits.) P[X >= f + 1].
 * Limits: 1 <= members <= both groups together, members <= 100, weights 1 to 1,000,000.
 * Cost: O(members²) products; a few milliseconds at 100.
 */
export function weighedCaptureProbability({
  marked,
  others,
  members,
}: {
  readonly marked: WeighedGroup;
  readonly others: WeighedGroup;
  readonly members: number;
}): Probability {
  assert(members >= 1 && members <= marked.validators + others.validators, 'a part of the whole');
  let byMarkedSeats: readonly bigint[] = [ONE];
  for (let drawn = 0; drawn < members; drawn++) {
    const next = Array.from({ length: drawn + 2 }, () => 0n);
    for (const [seats, probability] of byMarkedSeats.entries()) {
      if (probability === 0n) continue;
      const markedLeft = BigInt((marked.validators - seats) * marked.weight);
      const othersLeft = BigInt((others.validators - (drawn - seats)) * others.weight);
      const all = markedLeft + othersLeft;
      next[seats]! += ceilDivide(probability * othersLeft, all);
      next[seats + 1]! += ceilDivide(probability * markedLeft, all);
    }
    byMarkedSeats = next;
  }
  const captured = byMarkedSeats.slice(faultyOf(members) + 1).reduce((sum, each) => sum + each, 0n);
  return { numerator: captured < ONE ? captured : ONE, denominator: ONE };
}

/** How a chain draws its committees, and what is expected of its validators. */
export interface CommitteeDraw {
  readonly validators: number;
  /** M as genesis has it; all validators if there are fewer. */
  readonly members: number;
  /** B: validators that may lie. More than there are count as all. */
  readonly dishonest: number;
  /** Reputation that validators begin with, and the most they can have. */
  readonly start: number;
  readonly cap: number;
}

export interface CaptureRisk {
  /** All weighing alike, as at genesis. */
  readonly byCount: Probability;
  /** The dishonest have reached the cap, the others stand where they began. */
  readonly byWeight: Probability;
}

/**
 * The risk of capture of one height's committee: exact by count, an upper bound by weight.
 *
 * Genesis asks it for the validators that it lists, the identity contract for those that a change would leave.
 * Cost: milliseconds; the last few answers are remembered.
 */
export function captureRisk(draw: CommitteeDraw): CaptureRisk {
  const { validators, start, cap } = draw;
  const members = Math.min(draw.members, validators);
  const dishonest = Math.min(draw.dishonest, validators);
  const name = [validators, members, dishonest, start, cap].join();
  const known = risks.get(name);
  if (known !== undefined) return known;
  const risk = {
    byCount: captureProbability({ validators, marked: dishonest, members }),
    byWeight: weighedCaptureProbability({
      marked: { validators: dishonest, weight: cap },
      others: { validators: validators - dishonest, weight: start },
      members,
    }),
  };
  if (risks.size >= RISKS_MAX) risks.clear();
  risks.set(name, risk);
  return risk;
}

const RISKS_MAX = 64;
const risks = new Map<string, CaptureRisk>();

/** Whether neither chance is above 1e-9 over so many heights. */
export function isCaptureBounded({ byCount, byWeight }: CaptureRisk, heights: number): boolean {
  return [byCount, byWeight].every((each) => !exceeds(overHeights(each, heights), CAPTURE_PROBABILITY_MAX));
}

const ONE = 1n << 512n;

function ceilDivide(a: bigint, b: bigint): bigint {
  return (a + b - 1n) / b;
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
