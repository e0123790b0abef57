import { strict as assert } from 'node:assert';
import { type Certificate, type UnsignedVote, voteVerifier } from '../chain/index.js';
import { hexToBytes } from '../crypto/index.js';
import type { MemberVote } from './agreement/vote.js';
import { quorumOf } from './quorum.js';

export type CertificateFault =
  | 'bad-bitmap'
  | 'no-quorum'
  | 'signature-count'
  /** One of the signatures is not its member's. */
  | 'bad-signature';

/**
 * Makes the certificate of a commit from its cert votes (at least a quorum, one height, period and value; any
 * order). All of them go in. Mixed or too few votes are a bug of the caller.
 */
export function createCertificate(votes: readonly MemberVote[], members: number): Certificate {
  const [first] = votes;
  assert(first && votes.length >= quorumOf(members), 'a certificate needs a quorum');
  const { height, period, value } = first;
  assert(value !== null, 'a certificate names a block');
  const bitmap = new Uint8Array(Math.ceil(members / 8));
  const sorted = [...votes].sort((a, b) => a.member - b.member);
  for (const vote of sorted) {
    const same = vote.height === height && vote.period === period && vote.value === value;
    assert(same && vote.step === 'cert', 'cert votes for one value in one period');
    assert(vote.member >= 0 && vote.member < members && !isSet(bitmap, vote.member), 'a member, and once');
    bitmap[vote.member >> 3]! |= 1 << (vote.member & 7);
  }
  const signatures = sorted.map((vote) => hexToBytes(vote.signature));
  return { height, period, hash: hexToBytes(value), bitmap, signatures };
}

/**
 * Whether more than two thirds of the committee signed this block's cert vote. The caller compares `height`
 * and `hash` with the block that it holds.
 *
 * `committee`: public keys in committee order. `verify`: whether the key signed the vote; chain's `verifyVote`
 * unless told otherwise.
 * Every signature must be valid, also those beyond the quorum.
 * Fails, in this order: "bad-bitmap" (length, or a bit beyond the committee), "no-quorum", "signature-count",
 *   "bad-signature".
 * Cost: one signature check a member.
 */
export function verifyCertificate({
  certificate,
  chainId,
  committee,
  verify,
}: {
  readonly certificate: Certificate;
  readonly chainId: Uint8Array;
  readonly committee: readonly Uint8Array[];
  readonly verify?: (publicKey: Uint8Array, vote: UnsignedVote, signature: Uint8Array) => boolean;
}): { readonly ok: true } | { readonly ok: false; readonly reason: CertificateFault } {
  const { height, period, hash, bitmap, signatures } = certificate;
  if (bitmap.length !== Math.ceil(committee.length / 8)) return { ok: false, reason: 'bad-bitmap' };
  const voters = signersOf(certificate);
  if (voters.some((member) => member >= committee.length)) return { ok: false, reason: 'bad-bitmap' };
  if (voters.length < quorumOf(committee.length)) return { ok: false, reason: 'no-quorum' };
  if (signatures.length !== voters.length) return { ok: false, reason: 'signature-count' };
  const vote: UnsignedVote = { height, period, step: 'cert', value: hash };
  const check =
    verify === undefined
      ? voteVerifier(chainId, vote)
      : (publicKey: Uint8Array, signature: Uint8Array) => verify(publicKey, vote, signature);
  const valid = voters.every((member, index) => check(committee[member]!, signatures[index]!));
  return valid ? { ok: true } : { ok: false, reason: 'bad-signature' };
}

/** The members whose signatures a certificate carries, ascending. */
export function signersOf({ bitmap }: Pick<Certificate, 'bitmap'>): readonly number[] {
  return Array.from({ length: bitmap.length * 8 }, (_, member) => member).filter((member) =>
    isSet(bitmap, member),
  );
}

function isSet(bitmap: Uint8Array, member: number): boolean {
  return ((bitmap[member >> 3]! >> (member & 7)) & 1) === 1;
}
