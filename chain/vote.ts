/** The three steps of a period, in their order (DESIGN.md section 6). */
export type Step = 'soft' | 'cert' | 'next';

/**
 * What a member signs. `value` is a block hash (32 bytes) or null for ⊥, which only a next vote may carry.
 */
export interface UnsignedVote {
  readonly height: number;
  readonly period: number;
  readonly step: Step;
  readonly value: Uint8Array | null;
}

/** A vote with its author. `voter` is an Ed25519 public key (32 bytes), `signature` is 64 bytes. */
export interface Vote extends UnsignedVote {
  readonly voter: Uint8Array;
  readonly signature: Uint8Array;
}
