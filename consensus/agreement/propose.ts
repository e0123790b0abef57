import type { AgreementState } from './state.js';

/**
 * Whether the leader shall make its block now: in period 0 only, once, and never beside a block or a vote of
 * its own from before a restart.
 */
export function mayPropose(state: AgreementState): boolean {
  const { self, leader } = state.config;
  return (
    state.active &&
    self === leader &&
    state.period === 0 &&
    !state.proposeAsked &&
    state.proposals.length === 0 &&
    state.own.length === 0
  );
}
