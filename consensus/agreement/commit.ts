import { type AgreementState, type Decision, isHeld, stepTally } from './state.js';
import type { MemberVote } from './vote.js';

/** The value to commit: one with a cert quorum in any period, held. */
export function decisionOf(state: AgreementState): Decision | undefined {
  for (const [period, tally] of state.tally.periods) {
    for (const value of tally.cert.quorums) {
      if (value !== null && isHeld(state, value)) return { value, period };
    }
  }
  return undefined;
}

/**
 * The cert votes known for the decision, by member; empty before it. They grow after the commit as late votes
 * come in: what the next leader puts into `parentVotes`.
 */
export function certVotesOf(state: AgreementState): readonly MemberVote[] {
  const { decision } = state;
  if (!decision) return [];
  return stepTally(state, decision.period, 'cert')
    .votes.filter((vote) => vote.value === decision.value)
    .sort((a, b) => a.member - b.member);
}
