import { equalBytes, sign, verifySignature } from '../crypto/index.js';
import { bytes, type Codec, encode, integer, nullable, oneOf, tagged, tryDecode, uint } from './codec.js';
import { limits } from './limits.js';

/** The three steps of a period, in their order. */
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

/** The highest period that a vote may name: agreement skips no further. */
export const PERIOD_MAX = 1_000_000;

const fields = {
  height: uint,
  period: integer(0, PERIOD_MAX),
  step: oneOf('soft', 'cert', 'next') as Codec<Step>,
  value: nullable(bytes(32)),
};

const unsignedCodec = tagged('consilium/vote', 1, fields);
const voteCodec = tagged('consilium/vote', 1, { ...fields, voter: bytes(32), signature: bytes(64) });

export function signVote(
  chainId: Uint8Array,
  vote: UnsignedVote,
  voter: Uint8Array,
  secret: Uint8Array,
): Vote {
  const signature = sign(secret, encode(unsignedCodec, { chainId, ...vote }));
  return { ...vote, voter, signature };
}

/** Is this the signature of `voter` under the vote, on this chain? Membership is the caller's question. */
export function verifyVote(
  chainId: Uint8Array,
  voter: Uint8Array,
  vote: UnsignedVote,
  signature: Uint8Array,
): boolean {
  return voteVerifier(chainId, vote)(voter, signature);
}

/** As `verifyVote`, for many signatures under one vote: it is encoded once. */
export function voteVerifier(
  chainId: Uint8Array,
  vote: UnsignedVote,
): (voter: Uint8Array, signature: Uint8Array) => boolean {
  const { height, period, step, value } = vote;
  if (value === null && step !== 'next') return () => false;
  const message = encode(unsignedCodec, { chainId, height, period, step, value });
  return (voter, signature) => verifySignature(voter, message, signature);
}

export function encodeVote(chainId: Uint8Array, vote: Vote): Uint8Array {
  const { height, period, step, value, voter, signature } = vote;
  return encode(voteCodec, { chainId, height, period, step, value, voter, signature });
}

export type VoteFault = 'malformed' | 'wrong-chain' | 'empty-value';

/** A vote that nobody has checked yet: `verifyVote` is still to be asked. */
export function decodeVote(
  chainId: Uint8Array,
  raw: Uint8Array,
): { ok: true; vote: Vote } | { ok: false; reason: VoteFault } {
  const decoded = tryDecode(voteCodec, raw, limits.voteBytesMax);
  if (!decoded.ok) return { ok: false, reason: 'malformed' };
  const { chainId: named, ...vote } = decoded.value;
  if (!equalBytes(named, chainId)) return { ok: false, reason: 'wrong-chain' };
  if (vote.value === null && vote.step !== 'next') return { ok: false, reason: 'empty-value' };
  return { ok: true, vote };
}
