import type { RoundUpdate, VerificationContext } from '../rule.js';

/** One vector that a front makes: the mean over units of some updates, standing for one or more devices. */
export interface Blend {
  /** Indices of the updates that are averaged, ascending, at least one. */
  readonly of: readonly number[];
  /** Indices of the updates that it stands for, ascending: the verdict on the vector is theirs. */
  readonly standsFor: readonly number[];
}

/**
 * A named way to average updates before they are judged (pre-aggregation), for hospitals whose data differ: what
 * the rule sees, and what is aggregated, are then the averages.
 *
 * Deterministic, integers only. Every update is stood for by exactly one blend.
 */
export interface Front {
  readonly name: string;
  blend(updates: readonly RoundUpdate[], context: VerificationContext): readonly Blend[];
}
