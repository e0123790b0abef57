import { strict as assert } from 'node:assert';
import {
  bytesToHex,
  concatBytes,
  sha256,
  utf8ToBytes,
  vrfProofToHash,
  vrfProve,
  vrfVerify,
} from '../crypto/index.js';

/*
 * The seed of a height draws the committee of the next one. seed_0 is the genesis hash. A leader's VRF makes
 * it, so the leader can't choose it, only withhold its block, and E_h's seed is then fixed as well.
 */

export const SEED_BYTES = 32;

const TAG_ALPHA = utf8ToBytes('consilium/seed-alpha/1');
const TAG_SEED = utf8ToBytes('consilium/seed-output/1');
const TAG_EMPTY = utf8ToBytes('consilium/seed-empty/1');

/** What the leader's VRF is evaluated at: tag ‖ height (8 bytes, big-endian) ‖ the parent's seed. */
export function seedAlpha(height: number, parentSeed: Uint8Array): Uint8Array {
  return concatBytes(TAG_ALPHA, heightBytes(height), checked(parentSeed));
}

/** E_h's seed: SHA-256(tag ‖ height ‖ the parent's seed). */
export function emptySeed(height: number, parentSeed: Uint8Array): Uint8Array {
  return sha256(TAG_EMPTY, heightBytes(height), checked(parentSeed));
}

/**
 * The leader's side: its proof (80 bytes) and the seed (32 bytes) that follows from it.
 *
 * The seed is SHA-256(tag ‖ proof_to_hash(proof)): the VRF's 64 bytes, shortened. Never a hash of the proof's
 * bytes, which the leader could vary.
 */
export function proveSeed(
  vrfSecret: Uint8Array,
  height: number,
  parentSeed: Uint8Array,
): { readonly proof: Uint8Array; readonly seed: Uint8Array } {
  const proof = vrfProve(vrfSecret, seedAlpha(height, parentSeed));
  const output = vrfProofToHash(proof);
  assert(output !== null, 'an own proof decodes');
  return { proof, seed: seedOf(output) };
}

/**
 * The seed (32 bytes) that a leader's proof yields, or null if it isn't a proof of this leader's key here.
 *
 * Cost: about 3 ms for a claim not met lately. A proposal is checked when it arrives and again when it is judged,
 * so the last few valid claims are remembered.
 */
export function verifySeed(claim: {
  readonly vrfPublicKey: Uint8Array;
  readonly height: number;
  readonly parentSeed: Uint8Array;
  readonly proof: Uint8Array;
}): Uint8Array | null {
  const { vrfPublicKey, height, parentSeed, proof } = claim;
  const alpha = seedAlpha(height, parentSeed);
  const name = bytesToHex(concatBytes(vrfPublicKey, alpha, proof));
  const known = valid.get(name);
  if (known !== undefined) return known;
  const output = vrfVerify(vrfPublicKey, alpha, proof);
  if (output === null) return null;
  const seed = seedOf(output);
  if (valid.size >= VALID_MAX) valid.clear();
  valid.set(name, seed);
  return seed;
}

const VALID_MAX = 16;
const valid = new Map<string, Uint8Array>();

function seedOf(vrfOutput: Uint8Array): Uint8Array {
  return sha256(TAG_SEED, vrfOutput);
}

function heightBytes(height: number): Uint8Array {
  assert(Number.isSafeInteger(height) && height >= 0, 'a height is a whole number');
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(height));
  return bytes;
}

function checked(seed: Uint8Array): Uint8Array {
  assert(seed.length === SEED_BYTES, 'a seed has 32 bytes');
  return seed;
}
