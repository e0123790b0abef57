import { digestBytes, digestText, equalBytes, sha256, sha256Text } from '../crypto/index.js';
import { bytes, decode, encode, type Infer, list, nullable, record } from './codec.js';
import {
  EMPTY_HASH,
  hashStateInner,
  hashStateLeaf,
  nodeHash,
  pathBit,
  type StateTree,
  statePath,
} from './stateTree.js';

/** Bits of a path, and so the deepest that an entry can lie. */
const DEPTH_MAX = 256;
/** Of 256 siblings, and slack for what is around them. */
export const STATE_PROOF_BYTES_MAX = 9_216;

/**
 * Shows what a state root says of one key: its value, or that it has none.
 *
 * `siblings` are the hashes beside the way, from the lowest up. `other` is for a key without a value whose way
 * ends at the leaf of another key; null where it ends at the key's own leaf or at an empty subtree.
 * One format for both, half the size of ICS23's proof of absence by two neighbours, and no neighbour's value in it;
 * how it is put as ICS23's: docs/state.md.
 * Size: about 35 bytes for each of log2(n) levels.
 */
export const stateProofCodec = record({
  siblings: list(bytes(32), DEPTH_MAX),
  other: nullable(record({ path: bytes(32), valueHash: bytes(32) })),
});
export type StateProof = Infer<typeof stateProofCodec>;

export function encodeStateProof(proof: StateProof): Uint8Array {
  return encode(stateProofCodec, proof);
}

/** Throws DecodeError. Nothing is allocated for more than STATE_PROOF_BYTES_MAX. */
export function decodeStateProof(raw: Uint8Array): StateProof {
  return decode(stateProofCodec, raw, STATE_PROOF_BYTES_MAX);
}

/** The proof for a key, whether it has a value or not. */
export function proveState(tree: StateTree, key: string): StateProof {
  const path = statePath(key);
  const siblings: Uint8Array[] = [];
  let node = tree;
  for (let depth = 0; node !== null && node.kind === 'inner'; depth += 1) {
    const onLeft = pathBit(path, depth) === 0;
    siblings.unshift(digestBytes(nodeHash(onLeft ? node.right : node.left)));
    node = onLeft ? node.left : node.right;
  }
  const other =
    node === null || node.path === path
      ? null
      : { path: digestBytes(node.path), valueHash: sha256(node.value) };
  return { siblings, other };
}

/**
 * Does the root say that `key` has this value (null: none)? False for any proof that does not show it.
 *
 * Needs nothing but the root: what a light client takes from a certified header. The hashes are put together
 * along the key's own way, so what they show lies there.
 */
export function verifyStateProof(claim: {
  readonly root: Uint8Array;
  readonly key: string;
  readonly value: Uint8Array | null;
  readonly proof: StateProof;
}): boolean {
  const { siblings, other } = claim.proof;
  const path = statePath(claim.key);
  let hash = EMPTY_HASH;
  if (claim.value !== null) {
    if (other !== null) return false;
    hash = hashStateLeaf(path, sha256Text(claim.value));
  } else if (other !== null) {
    const otherPath = digestText(other.path);
    if (otherPath === path) return false;
    hash = hashStateLeaf(otherPath, digestText(other.valueHash));
  }
  siblings.forEach((sibling, i) => {
    const depth = siblings.length - 1 - i;
    const beside = digestText(sibling);
    hash = pathBit(path, depth) === 0 ? hashStateInner(hash, beside) : hashStateInner(beside, hash);
  });
  return equalBytes(digestBytes(hash), claim.root);
}
