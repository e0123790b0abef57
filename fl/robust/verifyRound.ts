import { WIRE_MAX } from '../grid/index.js';
import { type Blend, type FrontName, fronts } from './front/index.js';
import { divideRoundedBig } from './integers.js';
import {
  type Judgement,
  type RoundUpdate,
  toVerdicts,
  type VerificationContext,
  type VerificationResult,
  type VerificationRule,
  withinCap,
} from './rule.js';

export interface VerifiedRound extends VerificationResult {
  /** What is to be aggregated: the qualified updates, or the blends that stand for them. Sorted by device. */
  readonly qualified: readonly RoundUpdate[];
}

/**
 * One round's verification: the norm cap, then the front, then the rule.
 *
 * A rule that remembers devices judges one vector a device: a blend that stands for several counts once for each.
 * Others judge each blend once, under the name of its first device; the verdict is that of all whom it stands for.
 * A vector for devices of together N units is their blend's mean times N, so that everything after it weighs it as
 *   it would weigh them: N · Σu / ΣN', rounded to a wire step (halves away from zero), which is exact where a blend
 *   stands for just those it is made of. Entries stop at ±(2³¹ - 1).
 * With the noise of several devices in it, a blend holds less noise a unit than the rules reckon with: they refuse
 *   rather less.
 * Cost: that of front and rule.
 */
export function verifyRound(
  rule: VerificationRule,
  front: FrontName,
  updates: readonly RoundUpdate[],
  accumulator: Uint8Array | null,
  context: VerificationContext,
): VerifiedRound {
  const within = withinCap(updates, context);
  const blends = fronts[front]
    .blend(within, context)
    .flatMap((blend) => (rule.remembers ? oneADevice(blend) : [blend]))
    .sort((a, b) => a.standsFor[0]! - b.standsFor[0]!);
  const vectors = blends.map((blend) => vectorOf(blend, within));
  const judged = rule.judge(vectors, accumulator, context);
  const judgements = new Array<Judgement>(within.length);
  for (const [at, { standsFor }] of blends.entries())
    for (const index of standsFor) judgements[index] = judged.judgements[at]!;
  return {
    verdicts: toVerdicts(updates, within, judgements),
    qualified: vectors.filter((_, at) => judged.judgements[at]!.reason === null),
    accumulator: judged.accumulator,
  };
}

function oneADevice({ of, standsFor }: Blend): readonly Blend[] {
  return standsFor.map((index) => ({ of, standsFor: [index] }));
}

function vectorOf({ of, standsFor }: Blend, updates: readonly RoundUpdate[]): RoundUpdate {
  const first = updates[standsFor[0]!]!;
  if (of.length === 1 && standsFor.length === 1 && of[0] === standsFor[0]) return first;
  const sums = new Float64Array(first.wire.length);
  for (const index of of) {
    const { wire } = updates[index]!;
    for (let at = 0; at < sums.length; at++) sums[at]! += wire[at]!;
  }
  const units = unitsOf(standsFor, updates);
  const blended = unitsOf(of, updates);
  const wire = Int32Array.from(sums, (sum) =>
    clampToWire(units === blended ? sum : scale(sum, units, blended)),
  );
  return { device: first.device, units, wire, hash: first.hash };
}

/** sum · numerator / denominator, rounded; as big integers, since the product can pass 2⁵³. */
function scale(sum: number, numerator: number, denominator: number): number {
  return Number(divideRoundedBig(BigInt(sum) * BigInt(numerator), BigInt(denominator)));
}

function clampToWire(value: number): number {
  return Math.max(-WIRE_MAX, Math.min(WIRE_MAX, value));
}

function unitsOf(indices: readonly number[], updates: readonly RoundUpdate[]): number {
  return indices.reduce((sum, index) => sum + updates[index]!.units, 0);
}
