import { type AgreementState, isHeld, ownVotes, softQuorumValue } from './state.js';

/**
 * What to cert-vote for now. Once per period: the value with a soft quorum, held, and only while no next vote
 * was sent in this period. (A next vote says "I certify nothing else here"; a later cert would break it.)
 */
export function certValue(state: AgreementState): string | undefined {
  if (ownVotes(state, 'cert').length > 0 || ownVotes(state, 'next').length > 0) return undefined;
  const value = softQuorumValue(state);
  return value !== undefined && isHeld(state, value) ? value : undefined;
}
