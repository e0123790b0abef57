import type { Verdict } from './state.js';
import type { MemberVote } from './vote.js';

export type TimerKind = 'deadline' | 'filter' | 'resend';

/** What a member's driver tells the machine. All of it is verified first; the machine sees no bytes. */
export type AgreementInput =
  /** A reason to start period 0: an own pending transaction, a due closing, the heartbeat. */
  | { readonly kind: 'activate' }
  /**
   * A block that the height's leader has signed, its seed proof and time checked; payloads may be missing yet.
   * A block whose time is ahead of the own clock is held back by the driver until it isn't.
   * The leader hands its own block in too, and again, first of all, after a restart.
   * `payloadBytes`: what the block's transactions announce.
   */
  | { readonly kind: 'proposal'; readonly value: string; readonly payloadBytes: number }
  /** Answers `judge`. */
  | { readonly kind: 'judged'; readonly value: string; readonly verdict: Exclude<Verdict, 'pending'> }
  /** A vote of a member, the own signed ones included. */
  | { readonly kind: 'vote'; readonly vote: MemberVote }
  /** Votes that came in one message: a re-send, or a vote with what justifies it. */
  | { readonly kind: 'votes'; readonly votes: readonly MemberVote[] }
  /** Answers `set-timer`. One that belongs to an earlier period is ignored. */
  | { readonly kind: 'timer'; readonly timer: TimerKind; readonly period: number };
