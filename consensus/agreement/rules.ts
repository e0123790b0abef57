import { quorumOf } from '../quorum.js';
import { certValue } from './cert.js';
import { decisionOf } from './commit.js';
import { periodToEnter } from './enter.js';
import { neededValues } from './judge.js';
import { nextValue } from './next.js';
import { mayPropose } from './propose.js';
import { votesToResend } from './resend.js';
import { softValue } from './soft.js';
import type { AgreementState, Decision } from './state.js';
import type { MemberVote } from './vote.js';

/** The vote table (docs/agreement.md): one pure function per row, from what is known to what to do now. */
export interface AgreementRules {
  readonly quorumOf: (members: number) => number;
  readonly mayPropose: (state: AgreementState) => boolean;
  readonly neededValues: (state: AgreementState) => readonly string[];
  readonly softValue: (state: AgreementState) => string | undefined;
  readonly certValue: (state: AgreementState) => string | undefined;
  readonly nextValue: (state: AgreementState) => string | null | undefined;
  readonly periodToEnter: (state: AgreementState) => number;
  readonly decisionOf: (state: AgreementState) => Decision | undefined;
  readonly votesToResend: (state: AgreementState) => readonly MemberVote[];
}

export const AGREEMENT_RULES: AgreementRules = {
  quorumOf,
  mayPropose,
  neededValues,
  softValue,
  certValue,
  nextValue,
  periodToEnter,
  decisionOf,
  votesToResend,
};
