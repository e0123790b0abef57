import type { Step } from '../../chain/index.js';
import { PERIODS_AHEAD_MAX, PERIODS_BEHIND_MAX, VALUES_PER_MEMBER_MAX } from '../limits.js';
import type { MemberVote } from './vote.js';

/** Votes of one step in one period. `quorums`: the values that have reached the quorum, in that order. */
export interface StepTally {
  readonly votes: readonly MemberVote[];
  readonly quorums: readonly (string | null)[];
}

export type PeriodTally = { readonly [step in Step]: StepTally };

export interface Tally {
  readonly periods: ReadonlyMap<number, PeriodTally>;
  /** By member: the highest period it is known to have voted in; undefined before its first vote. */
  readonly highest: readonly (number | undefined)[];
  /**
   * The highest period that f+1 members have voted in, so at least one honest member; undefined before f+1
   * members have voted at all. A member that entered p was let in by f+1 honest votes of p-1, so once those
   * are delivered the horizon is at most one period behind the foremost honest member, and no dishonest
   * member can move it past that one.
   */
  readonly horizon: number | undefined;
}

export interface TallyBounds {
  readonly quorum: number;
  readonly faulty: number;
  /** The member's own period. */
  readonly period: number;
}

export type TallyRefusal = 'outside-window' | 'too-many-values';

export const EMPTY_STEP_TALLY: StepTally = { votes: [], quorums: [] };
export const EMPTY_PERIOD_TALLY: PeriodTally = {
  soft: EMPTY_STEP_TALLY,
  cert: EMPTY_STEP_TALLY,
  next: EMPTY_STEP_TALLY,
};

export function createTally(members: number): Tally {
  return { periods: new Map(), highest: new Array(members).fill(undefined), horizon: undefined };
}

/** Notes how far the votes' authors are. Separate from counting, so that a bundle is judged by all its votes. */
export function noteProgress(tally: Tally, votes: readonly MemberVote[], faulty: number): Tally {
  const { periods, horizon } = tally;
  let highest: (number | undefined)[] | undefined;
  let isBeyond = horizon === undefined;
  for (const { member, period } of votes) {
    const known = (highest ?? tally.highest)[member];
    if (known !== undefined && known >= period) continue;
    highest ??= [...tally.highest];
    highest[member] = period;
    if (horizon !== undefined && period > horizon) isBeyond = true;
  }
  if (!highest) return tally;
  // Who comes up to the horizon, and not past it, doesn't move it.
  if (!isBeyond) return { periods, highest, horizon };
  const heard = highest.filter((period) => period !== undefined).sort((a, b) => b - a);
  return { periods, highest, horizon: heard[faulty] };
}

/** Whether this very vote (period, step, value, member) is counted already. Cost: O(votes of its step and period). */
export function isCounted(tally: Tally, { period, step, value, member }: MemberVote): boolean {
  const counted = tally.periods.get(period)?.[step].votes;
  return counted?.some((known) => known.member === member && known.value === value) ?? false;
}

/**
 * Counts one verified vote of a known member.
 *
 * Repeat (same period, step, value, member): the same tally back. An equivocator counts for each value it
 * signed, within VALUES_PER_MEMBER_MAX; beyond that only for values that f+1 members back already.
 * Refused: "outside-window", "too-many-values". Neither loses a vote for good: honest members re-send.
 * Cost: O(votes of this step and period).
 */
export function addVote(tally: Tally, vote: MemberVote, bounds: TallyBounds): Tally | TallyRefusal {
  if (!inWindow(vote.period, bounds.period, tally.horizon)) return 'outside-window';
  const period = tally.periods.get(vote.period) ?? EMPTY_PERIOD_TALLY;
  const step = period[vote.step];
  let ofMember = 0;
  let forValue = 0;
  for (const known of step.votes) {
    if (known.value === vote.value) forValue++;
    if (known.member !== vote.member) continue;
    if (known.value === vote.value) return tally;
    ofMember++;
  }
  if (ofMember >= VALUES_PER_MEMBER_MAX[vote.step] && forValue <= bounds.faulty) return 'too-many-values';
  const quorums = forValue + 1 === bounds.quorum ? [...step.quorums, vote.value] : step.quorums;
  const counted = withStep(period, vote.step, { votes: [...step.votes, vote], quorums });
  return withPeriods(tally, new Map(tally.periods).set(vote.period, counted));
}

function withStep({ soft, cert, next }: PeriodTally, step: Step, counted: StepTally): PeriodTally {
  return {
    soft: step === 'soft' ? counted : soft,
    cert: step === 'cert' ? counted : cert,
    next: step === 'next' ? counted : next,
  };
}

function withPeriods({ highest, horizon }: Tally, periods: Tally['periods']): Tally {
  return { periods, highest, horizon };
}

/** Forgets the periods outside the windows; called when the own period moves. */
export function pruneTally(tally: Tally, period: number): Tally {
  const kept = [...tally.periods].filter(([key]) => inWindow(key, period, tally.horizon));
  return kept.length === tally.periods.size ? tally : withPeriods(tally, new Map(kept));
}

/**
 * Two windows: around the own period, and around the one that f+1 members have reached. The second lets a
 * member that was away catch up however far the others are, and no flood of far periods widens either.
 */
function inWindow(period: number, own: number, horizon: number | undefined): boolean {
  if (period >= own - PERIODS_BEHIND_MAX && period <= own + PERIODS_AHEAD_MAX) return true;
  return horizon !== undefined && period >= horizon - 1 && period <= horizon + PERIODS_AHEAD_MAX;
}
