import type { Step } from '../../chain/index.js';

/** What the machine asks its driver to sign. `value` is a block hash in hex; null is ⊥ (next only). */
export interface AgreementVote {
  readonly height: number;
  readonly period: number;
  readonly step: Step;
  readonly value: string | null;
}

/**
 * One member's signed vote, as the machine sees it.
 *
 * The caller has verified it: the signature is `member`'s, `member` is an index into the height's committee.
 * `signature` is hex and opaque here; it travels along so that quorums can be sent on and certificates made.
 */
export interface MemberVote extends AgreementVote {
  readonly member: number;
  readonly signature: string;
}
