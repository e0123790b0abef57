import { type AgreementState, carried, isHeld, ownVotes, softQuorumValue } from './state.js';

/**
 * What to next-vote for now; undefined for nothing. From the deadline on, and again whenever the answer
 * changes: the own cert; else the value with a soft quorum, if held; else ⊥ if ⊥ of the previous period is
 * known (in period 0 it is); else the carried value.
 */
export function nextValue(state: AgreementState): string | null | undefined {
  if (!state.deadlinePassed) return undefined;
  const value = wanted(state);
  const sent = ownVotes(state, 'next').some((vote) => vote.value === value);
  return sent ? undefined : value;
}

function wanted(state: AgreementState): string | null | undefined {
  const [cert] = ownVotes(state, 'cert');
  if (cert) return cert.value;
  const soft = softQuorumValue(state);
  if (soft !== undefined && isHeld(state, soft)) return soft;
  const { bottom, value } = carried(state);
  return bottom ? null : value;
}
