import {
  AGREEMENT_RULES,
  type Agreement,
  type AgreementRules,
  type AgreementState,
  type AgreementStep,
  faultyOf,
  type MemberVote,
} from '../../consensus/index.js';
import { type DriverRules, NO_RECORDS } from './driverRules.js';
import type { ChainRules } from './stubChain.js';

/** One thing broken: a row of the vote table, what goes into or out of the machine, the driver, or the chain. */
export interface Mutant {
  readonly rules?: Partial<AgreementRules>;
  readonly machine?: (machine: Agreement) => Agreement;
  readonly driver?: Partial<DriverRules>;
  readonly chain?: Partial<ChainRules>;
}

const { softValue, certValue, nextValue, periodToEnter, votesToResend } = AGREEMENT_RULES;

/**
 * Broken machines and nodes: each deletes or bends one rule of docs/agreement.md. A simulation that doesn't
 * notice one is no simulation.
 */
export const MUTANTS: Readonly<Record<string, Mutant>> = {
  'cert-after-next': { rules: { certValue: (state) => certValue(without(state, 'next')) } },
  // Votes next(⊥) in place of the value it certified.
  'next-after-cert': {
    rules: {
      nextValue: (state) => {
        const value = nextValue(state);
        return value !== undefined && hasVoted(state, 'cert') ? null : value;
      },
    },
  },
  'carried-value-ignored': {
    rules: {
      softValue: (state) => {
        const value = softValue(state);
        return value !== undefined && state.period > 0 ? state.config.emptyHash : value;
      },
    },
  },
  // Votes next(⊥) where only a carried value is known.
  'next-despite-carried': {
    rules: {
      nextValue: (state) => {
        const value = nextValue(state);
        if (value === undefined || hasVoted(state, 'cert') || hasSoftQuorum(state)) return value;
        return votedNext(state, null) ? undefined : null;
      },
    },
  },
  'amnesia-on-restart': { driver: { restored: () => NO_RECORDS } },
  'own-records-forgotten': { driver: { restored: (records) => ({ ...records, own: [] }) } },
  'own-block-forgotten': { driver: { restored: (records) => ({ ...records, proposal: null }) } },
  'justification-forgotten': { driver: { restored: (records) => ({ ...records, justification: [] }) } },
  'soft-quorum-not-persisted': {
    driver: { persisted: (votes) => votes.filter(({ step }) => step !== 'soft') },
  },
  'sent-before-persisted': { driver: { persistsFirst: false } },
  'quorum-off-by-one': { rules: { quorumOf: (members) => Math.floor((2 * members) / 3) } },
  'soft-twice': {
    rules: {
      softValue: (state) => {
        const value = softValue(without(state, 'soft'));
        const sent = state.own.some((vote) => vote.step === 'soft' && vote.value === value);
        return sent ? undefined : value;
      },
    },
  },
  'entered-without-quorum': {
    rules: { periodToEnter: (state) => (state.deadlinePassed ? state.period + 1 : periodToEnter(state)) },
  },
  'held-without-body': { driver: { waitsForBody: false } },
  'commit-without-body': {
    rules: {
      decisionOf: (state) => {
        for (const [period, tally] of state.tally.periods) {
          const value = tally.cert.quorums.find((candidate) => candidate !== null);
          if (value) return { value, period };
        }
        return undefined;
      },
    },
  },
  'seed-proof-unchecked': { chain: { isSeedProof: () => true } },
  'parent-votes-uncounted': { chain: { parentQuorumOf: () => 0 } },
  'member-counted-twice': { machine: countingTwice },
  'certificate-counts-repeats': { chain: { countMembers: (votes) => votes.length } },
  'certificate-unchecked': { driver: { checksCertificates: false } },
  'soft-quorum-not-resent': {
    rules: {
      votesToResend: (state) =>
        votesToResend(state).filter((vote) => vote.step !== 'soft' || vote.member === state.config.self),
    },
  },
  'next-quorum-not-resent': {
    rules: {
      votesToResend: (state) =>
        votesToResend(state).filter(
          (vote) => vote.period === state.period || vote.member === state.config.self,
        ),
    },
  },
  'nothing-resent': { rules: { votesToResend: () => [] } },
  'next-once-only': {
    rules: { nextValue: (state) => (hasVoted(state, 'next') ? undefined : nextValue(state)) },
  },
  'deadline-does-not-grow': { machine: withConstantDeadline },
  'empty-run-ignored': { machine: withoutEmptyRun },
  'state-from-own-certificate': { chain: { presentIn: (tip) => tip.votes } },
  // The same in leaders' blocks alone, and nobody compares: the observer does.
  'state-unchecked': {
    chain: {
      presentIn: (tip, parentVotes) => (parentVotes.length > 0 ? tip.votes : parentVotes),
      isState: () => true,
    },
  },
  // From here on: only a change of the validators can tell.
  'ring-of-former-era': { chain: { ringOf: ({ rings }, era) => rings.get(era - 1) ?? rings.get(era)! } },
  'ring-without-lag': { chain: { ringOf: ({ seats }) => seats } },
  'quorum-of-genesis': { driver: { membersOf: (_committee, atGenesis) => atGenesis } },
  'approval-without-seat': { chain: { counts: () => true } },
  'approved-by-a-minority': { chain: { approvalsNeeded: (seats) => faultyOf(seats) + 1 } },
};

function hasVoted(state: AgreementState, step: MemberVote['step']): boolean {
  return state.own.some((vote) => vote.step === step && vote.period === state.period);
}

function hasSoftQuorum({ tally, period }: AgreementState): boolean {
  return (tally.periods.get(period)?.soft.quorums.length ?? 0) > 0;
}

function votedNext(state: AgreementState, value: string | null): boolean {
  return state.own.some(
    (vote) => vote.step === 'next' && vote.period === state.period && vote.value === value,
  );
}

/** The state as if no own vote of this step had been sent. */
function without(state: AgreementState, step: MemberVote['step']): AgreementState {
  return { ...state, own: state.own.filter((vote) => vote.step !== step) };
}

/** A vote that comes again counts again: for a member that has not been heard. */
function countingTwice(machine: Agreement): Agreement {
  const recount = (state: AgreementState, vote: MemberVote): MemberVote => {
    const votes = state.tally.periods.get(vote.period)?.[vote.step].votes ?? [];
    const isKnown = votes.some(({ member, value }) => member === vote.member && value === vote.value);
    if (!isKnown || vote.height !== state.config.height) return vote;
    const heard = new Set(votes.map(({ member }) => member));
    const unheard = Array.from({ length: state.config.members }, (_, member) => member).find(
      (member) => !heard.has(member) && member !== state.config.self,
    );
    return unheard === undefined ? vote : { ...vote, member: unheard };
  };
  return {
    createAgreement: machine.createAgreement,
    apply: (state, input) => {
      if (input.kind === 'vote') return machine.apply(state, { ...input, vote: recount(state, input.vote) });
      if (input.kind !== 'votes') return machine.apply(state, input);
      return machine.apply(state, { ...input, votes: input.votes.map((vote) => recount(state, vote)) });
    },
  };
}

function withConstantDeadline(machine: Agreement): Agreement {
  const bend = ({ state, effects }: AgreementStep): AgreementStep => ({
    state,
    effects: effects.map((effect) =>
      effect.kind === 'set-timer' && effect.timer === 'deadline'
        ? { ...effect, afterMs: Math.min(effect.afterMs, state.config.params.deadlineMs) }
        : effect,
    ),
  });
  return {
    createAgreement: (start) => bend(machine.createAgreement(start)),
    apply: (state, input) => bend(machine.apply(state, input)),
  };
}

function withoutEmptyRun(machine: Agreement): Agreement {
  return { ...machine, createAgreement: (start) => machine.createAgreement({ ...start, emptyRun: 0 }) };
}
