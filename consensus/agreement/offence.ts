import type { PeriodTally } from './tally.js';
import type { MemberVote } from './vote.js';

/**
 * The earlier vote that makes `vote` an offence, if any. `period`: the votes of its period, without it.
 *
 * Two soft or two cert values in one period; cert(v) with next(x ≠ v) in one period. Several next values are
 * lawful: an honest member sends ⊥ and later a value whose soft quorum it learnt late. Reported once per
 * member, period and kind, when the second vote of the first such pair arrives.
 */
export function offenceOf(period: PeriodTally, vote: MemberVote): MemberVote | undefined {
  const own = (step: 'soft' | 'cert' | 'next') =>
    period[step].votes.filter((known) => known.member === vote.member);
  const other = (known: MemberVote) => known.value !== vote.value;
  if (vote.step === 'soft') return onlyOne(own('soft'), other);
  const certs = own('cert');
  const nexts = own('next');
  const torn = certs.some((cert) => nexts.some((next) => next.value !== cert.value));
  if (vote.step === 'next') return torn ? undefined : certs.find(other);
  return onlyOne(certs, other) ?? (torn ? undefined : nexts.find(other));
}

/** The one vote of the member so far, if it is for another value. With two, the offence was reported. */
function onlyOne(votes: readonly MemberVote[], other: (vote: MemberVote) => boolean): MemberVote | undefined {
  return votes.length === 1 ? votes.find(other) : undefined;
}
