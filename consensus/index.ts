export * from './agreement/apply.js';
export { certVotesOf } from './agreement/commit.js';
export type { AgreementEffect, RejectReason } from './agreement/effect.js';
export type { AgreementInput, TimerKind } from './agreement/input.js';
export { AGREEMENT_RULES, type AgreementRules } from './agreement/rules.js';
export type {
  AgreementConfig,
  AgreementParams,
  AgreementState,
  Decision,
  Proposal,
  Verdict,
} from './agreement/state.js';
export type { AgreementVote, MemberVote } from './agreement/vote.js';
export * from './capture.js';
export * from './certificate.js';
export * from './committee.js';
export * from './evidence.js';
export * from './judge.js';
export * from './limits.js';
export * from './quorum.js';
export * from './ring.js';
export * from './seed.js';
