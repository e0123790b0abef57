import { faultyOf } from '../quorum.js';
import type { StepTally, Tally } from './tally.js';
import { EMPTY_STEP_TALLY } from './tally.js';
import type { AgreementVote, MemberVote } from './vote.js';

/** Times of the agreement, whole milliseconds; the same at every member (they stand in the genesis). */
export interface AgreementParams {
  /** Deadline of period 0 before doubling. */
  readonly deadlineMs: number;
  /** k: the deadline doubles with each empty block in a row, at most this often. */
  readonly deadlineDoublingsMax: number;
  /** No deadline is longer, except by the payload extension. */
  readonly deadlineCapMs: number;
  /** Wait before a soft vote in periods >= 1; at least two network delays. */
  readonly filterMs: number;
  /** Between two re-sends; the driver adds jitter. */
  readonly resendMs: number;
  /** Payload bytes that a member is expected to pull per millisecond. */
  readonly payloadBytesPerMs: number;
  /** Longest extension of period 0's deadline by announced payload bytes. */
  readonly payloadExtensionMsMax: number;
}

/** What is fixed for one height. */
export interface AgreementConfig {
  readonly height: number;
  /** M. */
  readonly members: number;
  /** Own index in the committee; null for an observer, which tallies and commits and never votes. */
  readonly self: number | null;
  /** Index of the leader: always 0, the first that the ring names. */
  readonly leader: number;
  /** Hash of E_h, hex. E_h is valid by construction, so it is always held. */
  readonly emptyHash: string;
  /** Empty blocks in a row just before this height. */
  readonly emptyRun: number;
  readonly params: AgreementParams;
}

export interface Proposal {
  readonly value: string;
  readonly payloadBytes: number;
}

export interface Decision {
  readonly value: string;
  readonly period: number;
}

/** `pending`: the driver was asked; `held`: payloads stored, block executed, valid; `invalid` is final. */
export type Verdict = 'pending' | 'held' | 'invalid';

/** Everything a member knows about one height. Plain data; every field is replaced, never changed. */
export interface AgreementState {
  readonly config: AgreementConfig;
  readonly quorum: number;
  /** Period 0 has started (timers run). An observer is never active. */
  readonly active: boolean;
  readonly period: number;
  /** Of the current period. */
  readonly filterPassed: boolean;
  readonly deadlinePassed: boolean;
  /** Period 0's deadline was extended (once) for announced payload bytes. */
  readonly extended: boolean;
  /** The driver was asked for this leader's block. */
  readonly proposeAsked: boolean;
  /** The leader's blocks in order of arrival. */
  readonly proposals: readonly Proposal[];
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** Own votes, from the moment the driver is asked to sign them. They bind, also after a restart. */
  readonly own: readonly AgreementVote[];
  /** Votes delivered so far, own ones included once the driver has handed them back signed. */
  readonly tally: Tally;
  readonly decision: Decision | null;
}

/**
 * The state with some fields replaced. One literal for all of them: every state has the same hidden class, where
 * spreads in many places make ever new ones, which costs half of the machine's time.
 */
export function withChange(state: AgreementState, change: Partial<AgreementState>): AgreementState {
  return {
    config: state.config,
    quorum: state.quorum,
    active: change.active ?? state.active,
    period: change.period ?? state.period,
    filterPassed: change.filterPassed ?? state.filterPassed,
    deadlinePassed: change.deadlinePassed ?? state.deadlinePassed,
    extended: change.extended ?? state.extended,
    proposeAsked: change.proposeAsked ?? state.proposeAsked,
    proposals: change.proposals ?? state.proposals,
    verdicts: change.verdicts ?? state.verdicts,
    own: change.own ?? state.own,
    tally: change.tally ?? state.tally,
    decision: change.decision ?? state.decision,
  };
}

/** Payloads stored, block executed, valid. E_h always is. */
export function isHeld(state: AgreementState, value: string): boolean {
  return value === state.config.emptyHash || state.verdicts.get(value) === 'held';
}

/** Own votes of one step in the current period; at most one for soft and cert. */
export function ownVotes(state: AgreementState, step: AgreementVote['step']): readonly AgreementVote[] {
  return state.own.filter((vote) => vote.period === state.period && vote.step === step);
}

export function stepTally(state: AgreementState, period: number, step: AgreementVote['step']): StepTally {
  return state.tally.periods.get(period)?.[step] ?? EMPTY_STEP_TALLY;
}

/** The value with a soft quorum in the current period. With at most f dishonest there is at most one. */
export function softQuorumValue(state: AgreementState): string | undefined {
  return stepTally(state, state.period, 'soft').quorums[0] ?? undefined;
}

/** Whether the ⊥ of the previous period is known, and the value that its next quorum carries. */
export function carried(state: AgreementState): { readonly bottom: boolean; readonly value?: string } {
  if (state.period === 0) return { bottom: true };
  const { quorums } = stepTally(state, state.period - 1, 'next');
  const value = quorums.find((candidate) => candidate !== null);
  const bottom = quorums.includes(null);
  return value === undefined || value === null ? { bottom } : { bottom, value };
}

/**
 * The freshest next quorum: the one that let this member into the current period. If both ⊥ and a value have
 * one, ⊥'s is the fresher: it releases those who carry the value. Empty in period 0.
 */
export function freshestNextQuorum(state: AgreementState): readonly MemberVote[] {
  if (state.period === 0) return [];
  const { votes, quorums } = stepTally(state, state.period - 1, 'next');
  const value = quorums.includes(null) ? null : quorums[0];
  return value === undefined ? [] : votes.filter((vote) => vote.value === value);
}

/** All votes known for the value with a soft quorum in the current period; empty if there is none. */
export function softQuorumVotes(state: AgreementState): readonly MemberVote[] {
  const value = softQuorumValue(state);
  if (value === undefined) return [];
  return stepTally(state, state.period, 'soft').votes.filter((vote) => vote.value === value);
}

/**
 * Others' votes that this member's own ones in the current period rest on: the freshest next quorum and the
 * soft quorum. On disk before a vote leaves. The next quorum, or the member could not come back to its period;
 * the soft quorum, or a member that is bound to a cert could no longer prove to the others why: one of its
 * votes may come from a dishonest member that gave it to nobody else.
 */
export function justification(state: AgreementState): readonly MemberVote[] {
  return [...freshestNextQuorum(state), ...softQuorumVotes(state)];
}

/** f of this height's committee. */
export function faulty(state: AgreementState): number {
  return faultyOf(state.config.members);
}
