import { type AgreementState, justification, stepTally } from './state.js';
import type { MemberVote } from './vote.js';

/**
 * What is sent again for ever: the own votes of the current period, all votes of its soft quorum, the
 * freshest next quorum.
 *
 * The soft quorum's votes of others are needed: with M = 4 an equivocating leader may complete a soft quorum
 * at one member only, which then carries that value while the others carry ⊥, for ever (docs/agreement.md).
 */
export function votesToResend(state: AgreementState): readonly MemberVote[] {
  const votes = new Set(justification(state));
  for (const step of ['soft', 'cert', 'next'] as const) {
    for (const vote of stepTally(state, state.period, step).votes) {
      if (vote.member === state.config.self) votes.add(vote);
    }
  }
  return [...votes];
}

/** The leader's own block is announced again while period 0 lasts. */
export function proposalToResend(state: AgreementState): string | null {
  const { self, leader } = state.config;
  return self === leader && state.period === 0 ? (state.proposals[0]?.value ?? null) : null;
}
