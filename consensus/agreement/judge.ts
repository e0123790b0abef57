import { type AgreementState, carried, softQuorumValue } from './state.js';

/**
 * The values whose block this member needs now: the leader's in period 0; one with a soft quorum (to cert
 * it), a carried one (soon to be certified), one with a cert quorum (to commit it).
 *
 * Bounded without a count: quorums contain an honest vote, and honest members softly vote for proposals only.
 */
export function neededValues(state: AgreementState): readonly string[] {
  const needed: string[] = state.period === 0 ? state.proposals.map(({ value }) => value) : [];
  const soft = softQuorumValue(state);
  if (soft !== undefined) needed.push(soft);
  const { value } = carried(state);
  if (value !== undefined) needed.push(value);
  for (const tally of state.tally.periods.values()) {
    for (const certified of tally.cert.quorums) if (certified !== null) needed.push(certified);
  }
  return needed.filter((candidate) => candidate !== state.config.emptyHash && !state.verdicts.has(candidate));
}
