import { type Certificate, decode, type Header } from '../../chain/index.js';
import { emptySeed, verifySeed } from '../../consensus/index.js';
import { equalBytes } from '../../crypto/index.js';
import { type LightRefusal, refused } from './fault.js';
import { committeeOf, follow, type LightChain, type LightHead } from './follow.js';
import { STEP_BYTES_MAX, stepCodec } from './messages.js';

/** A proved block that a node can go on from, once it has the state after it. */
export interface LightBase {
  readonly header: Header;
  readonly hash: Uint8Array;
  readonly certificate: Certificate;
  /** The seed of the block before, which draws the block's committee in its order. */
  readonly parentSeed: Uint8Array;
}

/**
 * The last step of a node that joins there: what `follow` proves, and the seed of the block before. A light client
 * needs the committee's members alone; a node also their order, since the first of them led. `raw`: a `LightStep`.
 *
 * Shown by the block's own seed: the leader's VRF proof is over the seed before, and E_h's seed is a hash of it.
 * Fails as `follow` does, and with "wrong-seed". Cost: one VRF check more.
 */
export function proveBase(
  chain: LightChain,
  head: LightHead,
  raw: Uint8Array,
): { readonly ok: true; readonly head: LightHead; readonly base: LightBase } | LightRefusal {
  const followed = follow(chain, head, raw);
  if (!followed.ok) return followed;
  const { header, certificate: sealed, parentSeed } = decode(stepCodec, raw, STEP_BYTES_MAX);
  const { height, leader, seed, seedProof: proof } = header;
  const first = committeeOf(chain, head, { header, parentSeed })[0]!;
  const isLeader = leader === null || equalBytes(leader, first.publicKey);
  const { vrfPublicKey } = first;
  const proved = proof === null ? null : verifySeed({ vrfPublicKey, height, parentSeed, proof });
  const expected = leader === null ? emptySeed(height, parentSeed) : proved;
  if (!isLeader || expected === null || !equalBytes(expected, seed))
    return refused('wrong-seed', `not the seed before ${height}`);
  const { chainId: _, ...certificate } = sealed;
  const { hash } = followed.head;
  return { ok: true, head: followed.head, base: { header, hash, certificate, parentSeed } };
}
