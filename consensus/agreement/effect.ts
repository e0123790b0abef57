import type { TimerKind } from './input.js';
import type { TallyRefusal } from './tally.js';
import type { AgreementVote, MemberVote } from './vote.js';

/**
 * Why a vote or a proposal was not taken. "outside-window" happens among honest members; the others don't.
 */
export type RejectReason =
  | TallyRefusal
  | 'wrong-height'
  | 'unknown-member'
  | 'bad-period'
  | 'bad-value'
  | 'bad-proposal'
  | 'too-many-proposals';

/** What the machine wants done. Effects of one step are carried out in their order. */
export type AgreementEffect =
  /** Build the leader's block, persist it, announce it and hand it in as `proposal`. At most once a height. */
  | { readonly kind: 'propose' }
  /** Fetch the block and its payloads, store them durably, execute it; answered by `judged`. Once per value. */
  | { readonly kind: 'judge'; readonly value: string }
  /**
   * Sign; persist the vote and `justification` (instead of the one before), synced; then broadcast the vote
   * and hand it in as `vote`. It binds from now on, and counts from then on. `justification`: the votes of
   * others that it rests on, the period's next quorum and soft quorum; re-sends carry them, the vote needn't.
   */
  | { readonly kind: 'vote'; readonly vote: AgreementVote; readonly justification: readonly MemberVote[] }
  /** The periodic re-send, to everybody. `proposal`: the own block of period 0, to be announced again. */
  | { readonly kind: 'broadcast'; readonly votes: readonly MemberVote[]; readonly proposal: string | null }
  /** Replaces a running timer of this kind; answered by `timer`. The driver adds jitter to "resend". */
  | {
      readonly kind: 'set-timer';
      readonly timer: TimerKind;
      readonly period: number;
      readonly afterMs: number;
    }
  /** The height is decided. `votes`: all cert votes known for it, at least a quorum, by member. Once. */
  | {
      readonly kind: 'commit';
      readonly value: string;
      readonly period: number;
      readonly votes: readonly MemberVote[];
    }
  /** Two votes of one member that no honest member signs. Once per member, period and kind of offence. */
  | { readonly kind: 'offence'; readonly first: MemberVote; readonly second: MemberVote }
  /** The leader made two blocks for this height. */
  | { readonly kind: 'two-proposals'; readonly first: string; readonly second: string }
  /** Input not taken. `member` is who the vote names. */
  | { readonly kind: 'reject'; readonly reason: RejectReason; readonly member?: number };
