import {
  type Block,
  decodeBlock,
  decodeCertificate,
  type UnsignedVote,
  verifyTransaction,
  verifyVote,
} from '../chain/index.js';
import { verifyCertificate, verifySeed } from '../consensus/index.js';
import { bytesToHex, equalBytes } from '../crypto/index.js';

/**
 * What is left to check of a block that was executed: its signatures and its seed's proof. Plain data, for a worker
 * thread. What it names (hashes, keys, seeds) the executing side has derived and vouches for.
 */
export interface ProofClaim {
  readonly chainId: Uint8Array;
  readonly height: number;
  readonly hash: Uint8Array;
  readonly block: Uint8Array;
  readonly certificate: Uint8Array;
  readonly parentHash: Uint8Array;
  readonly parentSeed: Uint8Array;
  /** The leader's VRF key; null for the empty block, and where nobody knows who leads. */
  readonly vrfKey: Uint8Array | null;
  /** Public keys of the committee, one after another (32 bytes each); null where nobody knows it. */
  readonly committee: Uint8Array | null;
}

/**
 * Whether every proof of these blocks holds: one answer a claim, in their order.
 *
 * A vote that stands in a block's certificate and again among the next block's parent votes, signature and all, is
 * checked once, so consecutive heights belong into one call.
 * Cost a block: about 3 ms for the seed's proof, one signature check a member and a transaction.
 */
export function checkProofs(claims: readonly ProofClaim[]): readonly boolean[] {
  const valid = new Set<string>();
  return claims.map((claim) => {
    const verify = voteVerifier(claim.chainId, valid);
    const block = decodeBlock(claim.block);
    return (
      seedHolds(claim, block) &&
      parentVotesHold(claim, block, verify) &&
      block.transactions.every((transaction) => verifyTransaction(transaction, claim.chainId).ok) &&
      certificateHolds(claim, verify)
    );
  });
}

type Verify = (publicKey: Uint8Array, vote: UnsignedVote, signature: Uint8Array) => boolean;

/** chain's `verifyVote`, which is not asked twice for the same vote with the same signature. */
function voteVerifier(chainId: Uint8Array, valid: Set<string>): Verify {
  return (publicKey, vote, signature) => {
    const { height, period, step, value } = vote;
    const parts = [publicKey, value ?? new Uint8Array(0), signature].map(bytesToHex);
    const name = [height, period, step, ...parts].join('/');
    if (valid.has(name)) return true;
    const holds = verifyVote(chainId, publicKey, vote, signature);
    if (holds) valid.add(name);
    return holds;
  };
}

function seedHolds({ vrfKey, height, parentSeed }: ProofClaim, { header }: Block): boolean {
  if (vrfKey === null) return true;
  const proof = header.seedProof;
  const seed = proof === null ? null : verifySeed({ vrfPublicKey: vrfKey, height, parentSeed, proof });
  return seed !== null && equalBytes(seed, header.seed);
}

function parentVotesHold({ height, parentHash }: ProofClaim, block: Block, verify: Verify): boolean {
  return block.parentVotes.every(({ voter, period, signature }) =>
    verify(voter, { height: height - 1, period, step: 'cert', value: parentHash }, signature),
  );
}

/** Every field of a certificate counts. */
function certificateHolds(claim: ProofClaim, verify: Verify): boolean {
  const { chainId } = claim;
  const certificate = decodeCertificate(claim.certificate);
  const isOfBlock =
    equalBytes(certificate.chainId, chainId) &&
    equalBytes(certificate.hash, claim.hash) &&
    certificate.height === claim.height;
  if (!isOfBlock || claim.committee === null) return isOfBlock;
  return verifyCertificate({ certificate, chainId, committee: keysOf(claim.committee), verify }).ok;
}

const KEY_BYTES = 32;

function keysOf(joined: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: joined.length / KEY_BYTES }, (_, i) =>
    joined.slice(KEY_BYTES * i, KEY_BYTES * (i + 1)),
  );
}
