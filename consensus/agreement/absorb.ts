import { PERIOD_MAX } from '../../chain/index.js';
import { PROPOSALS_MAX } from '../limits.js';
import type { AgreementEffect, RejectReason } from './effect.js';
import type { AgreementInput } from './input.js';
import { offenceOf } from './offence.js';
import { type AgreementState, faulty, withChange } from './state.js';
import { addVote, EMPTY_PERIOD_TALLY, isCounted, noteProgress, pruneTally } from './tally.js';
import type { MemberVote } from './vote.js';

/*
 * First half of a step: what an input adds to what this member knows. Nothing is decided here.
 */

/** Notes the leader's block. A second one for the same height is reported. */
export function absorbProposal(
  state: AgreementState,
  { value, payloadBytes }: Extract<AgreementInput, { kind: 'proposal' }>,
  effects: AgreementEffect[],
): AgreementState {
  const { proposals } = state;
  if (proposals.some((known) => known.value === value)) return state;
  // A leader's block is never E_h: that one has no leader.
  if (value === state.config.emptyHash) return rejected(state, effects, 'bad-proposal');
  if (proposals.length >= PROPOSALS_MAX) return rejected(state, effects, 'too-many-proposals');
  const [first] = proposals;
  if (first && proposals.length === 1) {
    effects.push({ kind: 'two-proposals', first: first.value, second: value });
  }
  return withChange(state, { proposals: [...proposals, { value, payloadBytes }] });
}

/** Tallies votes that came together. Refused ones are reported one by one; the others still count. */
export function absorbVotes(
  state: AgreementState,
  votes: readonly MemberVote[],
  effects: AgreementEffect[],
): AgreementState {
  // Most of what comes was sent again and is known.
  if (votes.every((vote) => vote.height === state.config.height && isCounted(state.tally, vote)))
    return state;
  const wellFormed = votes.filter((vote) => {
    const reason = faultOf(state, vote);
    if (reason) effects.push({ kind: 'reject', reason, member: vote.member });
    return reason === undefined;
  });
  const f = faulty(state);
  const bounds = { quorum: state.quorum, faulty: f, period: state.period };
  const { horizon } = state.tally;
  let tally = noteProgress(state.tally, wellFormed, f);
  if (tally.horizon !== horizon) tally = pruneTally(tally, state.period);
  let { own } = state;
  for (const vote of wellFormed) {
    const before = tally.periods.get(vote.period) ?? EMPTY_PERIOD_TALLY;
    const after = addVote(tally, vote, bounds);
    if (typeof after === 'string') {
      effects.push({ kind: 'reject', reason: after, member: vote.member });
      continue;
    }
    if (after === tally) continue;
    tally = after;
    const first = offenceOf(before, vote);
    if (first) effects.push({ kind: 'offence', first, second: vote });
    // A vote of one's own that comes back from others, of a life that left no records, binds like the rest.
    if (vote.member === state.config.self && !own.some((known) => isSame(known, vote))) own = [...own, vote];
  }
  return tally === state.tally ? state : withChange(state, { tally, own });
}

function isSame(a: Pick<MemberVote, 'period' | 'step' | 'value'>, b: MemberVote): boolean {
  return a.period === b.period && a.step === b.step && a.value === b.value;
}

function faultOf(state: AgreementState, vote: MemberVote): RejectReason | undefined {
  const { height, members } = state.config;
  if (vote.height !== height) return 'wrong-height';
  if (!Number.isInteger(vote.member) || vote.member < 0 || vote.member >= members) return 'unknown-member';
  if (!Number.isInteger(vote.period) || vote.period < 0 || vote.period > PERIOD_MAX) return 'bad-period';
  if (vote.value === null && vote.step !== 'next') return 'bad-value';
  return undefined;
}

function rejected(state: AgreementState, effects: AgreementEffect[], reason: RejectReason): AgreementState {
  effects.push({ kind: 'reject', reason });
  return state;
}
