import { AGREEMENT_RULES, type AgreementRules, type AgreementState } from '../../consensus/index.js';
import type { SimOptions } from './world.js';

/**
 * Broken machines: each deletes or bends one rule of DESIGN.md section 6. A simulation that doesn't notice one
 * is no simulation.
 */
export const MUTANTS: Readonly<Record<string, Pick<SimOptions, 'rules' | 'amnesia' | 'persisted'>>> = {
  'quorum-off-by-one': bent({ quorumOf: (members) => Math.floor((2 * members) / 3) }),
  'cert-after-next': bent({
    certValue: (state) => AGREEMENT_RULES.certValue(withoutNext(state)),
  }),
  // Votes next(⊥) in place of the value it certified.
  'next-ignores-cert': bent({
    nextValue: (state) => {
      const value = AGREEMENT_RULES.nextValue(state);
      const hasCert = state.own.some((vote) => vote.step === 'cert' && vote.period === state.period);
      return value !== undefined && hasCert ? null : value;
    },
  }),
  'soft-ignores-carried': bent({
    softValue: (state) =>
      state.period > 0 && AGREEMENT_RULES.softValue(state) !== undefined
        ? state.config.emptyHash
        : AGREEMENT_RULES.softValue(state),
  }),
  'enter-without-quorum': bent({
    periodToEnter: (state) =>
      state.deadlinePassed ? state.period + 1 : AGREEMENT_RULES.periodToEnter(state),
  }),
  'next-once-only': bent({
    nextValue: (state) =>
      state.own.some((vote) => vote.step === 'next' && vote.period === state.period)
        ? undefined
        : AGREEMENT_RULES.nextValue(state),
  }),
  'soft-quorum-not-resent': bent({
    votesToResend: (state) =>
      AGREEMENT_RULES.votesToResend(state).filter(
        (vote) => vote.step !== 'soft' || vote.member === state.config.self,
      ),
  }),
  'next-quorum-not-resent': bent({
    votesToResend: (state) =>
      AGREEMENT_RULES.votesToResend(state).filter(
        (vote) => vote.period === state.period || vote.member === state.config.self,
      ),
  }),
  'commit-without-body': bent({
    decisionOf: (state) => {
      for (const [period, tally] of state.tally.periods) {
        const value = tally.cert.quorums.find((candidate) => candidate !== null);
        if (value) return { value, period };
      }
      return undefined;
    },
  }),
  'never-resend': bent({ votesToResend: () => [] }),
  'amnesia-on-restart': { amnesia: true },
  'soft-quorum-not-persisted': { persisted: (votes) => votes.filter(({ step }) => step !== 'soft') },
};

function bent(rules: Partial<AgreementRules>): Pick<SimOptions, 'rules'> {
  return { rules: { ...AGREEMENT_RULES, ...rules } };
}

/** The state as if no own next vote had been sent. */
function withoutNext(state: AgreementState): AgreementState {
  return { ...state, own: state.own.filter((vote) => vote.step !== 'next') };
}
