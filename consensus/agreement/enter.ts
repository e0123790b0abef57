import type { AgreementState } from './state.js';

/** The period to be in: one past the latest next quorum, and never back. Skipping ahead is allowed. */
export function periodToEnter(state: AgreementState): number {
  let { period } = state;
  for (const [candidate, tally] of state.tally.periods) {
    if (candidate >= period && tally.next.quorums.length > 0) period = candidate + 1;
  }
  return period;
}
