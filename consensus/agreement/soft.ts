import { type AgreementState, carried, isHeld, ownVotes } from './state.js';

/**
 * What to soft-vote for now. Once per period. Period 0: the leader's first valid block, held. Later, after
 * the filter time: E_h if ⊥ of the previous period is known, else the carried value, held or not.
 */
export function softValue(state: AgreementState): string | undefined {
  if (ownVotes(state, 'soft').length > 0) return undefined;
  if (state.period === 0) return state.proposals.find(({ value }) => isHeld(state, value))?.value;
  if (!state.filterPassed) return undefined;
  const { bottom, value } = carried(state);
  return bottom ? state.config.emptyHash : value;
}
