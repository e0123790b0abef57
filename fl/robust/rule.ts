import { strict as assert } from 'node:assert';
import { type Grid, normCapSquared } from '../grid/index.js';
import { squaredNorm } from './integers.js';

/** An update as it stands in a block, unpacked. */
export interface RoundUpdate {
  /** Hex id of the device. */
  readonly device: string;
  /** N_k: the units (records, patients) the device enrolled with, 1 to 10,000, fixed for the task. */
  readonly units: number;
  /** The noised sum, in wire steps. */
  readonly wire: Int32Array;
  /** Hex id of the payload; breaks ties. */
  readonly hash: string;
}

export interface VerificationContext {
  /** The round of the task, from 1. */
  readonly round: number;
  /** The round's grid. */
  readonly grid: Grid;
  /** f: how many faulty devices the task reckons with. */
  readonly faulty: number;
  /** How many devices of the task are blacklisted already. */
  readonly blacklisted: number;
}

/**
 * Why an update does not qualify: by rank (multi-Krum); because it opposes the others over all rounds, is distant from
 * them over the last ones, or its device has turned from what it was (alignment); or because it is longer than an honest
 * one can be (any rule).
 */
export type Refusal = 'rank' | 'opposes' | 'distant' | 'norm' | 'turned';

export interface Verdict {
  readonly device: string;
  readonly qualified: boolean;
  /** Null exactly if the update qualified. */
  readonly reason: Refusal | null;
  /** The rule's score in units of 2⁻¹⁶, a safe integer; 0 where the rule gave none. */
  readonly score16: number;
}

export interface VerificationResult {
  /** One per update, in their order. */
  readonly verdicts: readonly Verdict[];
  /** What the rule remembers for the next round; canonical bytes, or null if it remembers nothing. */
  readonly accumulator: Uint8Array | null;
}

/** What a rule itself decides: about vectors that are known to be within the norm cap, or blends of such. */
export interface Judged {
  /** One per vector, in their order. */
  readonly judgements: readonly Judgement[];
  readonly accumulator: Uint8Array | null;
}

/** A rule as its file writes it. Deterministic, integers only. */
export interface RuleCore {
  readonly name: string;
  /** Its refusals may cost reputation. Refusals by rank may not: someone is always last. */
  readonly absolute: boolean;
  /** It knows devices again from round to round: what is judged then has to be one vector a device. */
  readonly remembers: boolean;
  /** Judges vectors sorted by device; `accumulator` is what the last round returned, null before the first. */
  judge(
    updates: readonly RoundUpdate[],
    accumulator: Uint8Array | null,
    context: VerificationContext,
  ): Judged;
}

/** A named way to tell which updates of a round qualify. */
export interface VerificationRule extends RuleCore {
  /** Judges the updates of one round as they are, the norm cap first; sorted by device. */
  verify(
    updates: readonly RoundUpdate[],
    accumulator: Uint8Array | null,
    context: VerificationContext,
  ): VerificationResult;
}

/** The rule with the norm cap in front of it. */
export function withCap(core: RuleCore): VerificationRule {
  return {
    ...core,
    verify: (updates, accumulator, context) => {
      const within = withinCap(updates, context);
      const judged = core.judge(within, accumulator, context);
      return {
        verdicts: toVerdicts(updates, within, judged.judgements),
        accumulator: judged.accumulator,
      };
    },
  };
}

export const UNITS_PER_DEVICE_MAX = 10_000;

/** What a rule decides about an update within the norm cap. */
export type Judgement = Pick<Verdict, 'reason' | 'score16'>;

/** The updates within the norm cap, which alone a rule may look at; first checks the form of the round. */
export function withinCap(
  updates: readonly RoundUpdate[],
  context: VerificationContext,
): readonly RoundUpdate[] {
  checkRound(updates, context);
  return updates.filter(({ wire, units }) => squaredNorm(wire) <= normCapSquared(context.grid, units));
}

/** Verdicts in the order of the updates: the judgements of those within the cap, the others refused by their norm. */
export function toVerdicts(
  updates: readonly RoundUpdate[],
  within: readonly RoundUpdate[],
  judgements: readonly Judgement[],
): readonly Verdict[] {
  assert.equal(judgements.length, within.length, 'one judgement an update');
  const byDevice = new Map(within.map(({ device }, index) => [device, judgements[index]!]));
  return updates.map(({ device }) => {
    const { reason, score16 } = byDevice.get(device) ?? { reason: 'norm', score16: 0 };
    assert.ok(Number.isSafeInteger(score16), 'a score is a safe integer');
    return { device, qualified: reason === null, reason, score16 };
  });
}

/** What the caller owes a rule; anything else is a bug, since updates were checked on admission. */
function checkRound(updates: readonly RoundUpdate[], context: VerificationContext): void {
  assert.ok(Number.isSafeInteger(context.round) && context.round >= 1, 'rounds count from 1');
  for (const [index, update] of updates.entries()) {
    assert.ok(
      index === 0 || updates[index - 1]!.device < update.device,
      'updates sorted by device, one each',
    );
    assert.equal(update.wire.length, context.grid.dimension, 'an update has the dimension of the grid');
    assert.ok(
      Number.isSafeInteger(update.units) && update.units >= 1 && update.units <= UNITS_PER_DEVICE_MAX,
      'units from 1 to 10,000',
    );
  }
}
