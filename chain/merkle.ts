import {
  digestBytes,
  digestText,
  equalBytes,
  SHA256_BYTES,
  sha256,
  sha256Behind,
  sha256Pair,
} from '../crypto/index.js';

/** A payload travels and is proved in chunks of this size; the last one may be shorter. */
export const PAYLOAD_CHUNK_BYTES = 65_536;

const LEAF = 0;
const NODE = 1;

/**
 * Merkle tree hash of a list: SHA-256 with the prefixes 0x00 for leaves and 0x01 for nodes; of the empty
 * list, the hash of nothing. Source: RFC 6962 section 2.1. Cost: 2n hashes.
 */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array {
  let nodes = leaves.map(hashLeaf);
  while (nodes.length > 1) nodes = parentsOf(nodes);
  return nodes.length === 0 ? sha256() : digestBytes(nodes[0]!);
}

/** Audit path of leaf `index`, from the leaf up. Source: RFC 6962 section 2.1.1. Cost: 2n hashes. */
export function merkleProof(leaves: readonly Uint8Array[], index: number): readonly Uint8Array[] {
  return merkleProver(leaves)(index);
}

/**
 * Audit paths of many leaves of one list: the tree is hashed once, each path is then looked up. The leaves
 * themselves are not kept. Throws RangeError for an index without a leaf.
 *
 * Cost: 2n hashes and 64n bytes; a path is O(log n).
 */
export function merkleProver(leaves: readonly Uint8Array[]): (index: number) => readonly Uint8Array[] {
  const levels = [leaves.map(hashLeaf)];
  for (let nodes = levels[0]!; nodes.length > 1; nodes = levels.at(-1)!) levels.push(parentsOf(nodes));
  return (index) => {
    if (!Number.isSafeInteger(index) || index < 0 || index >= leaves.length)
      throw new RangeError(`no leaf ${index} among ${leaves.length}`);
    // A lone last node has no sibling: it stands on the level above as it is.
    const siblings = levels.flatMap((nodes, level) => nodes[Math.floor(index / 2 ** level) ^ 1] ?? []);
    return siblings.map(digestBytes);
  };
}

/** The level above: pairs hashed, a lone last node moved up. Gives the tree of RFC 6962, whose left halves are full. */
function parentsOf(nodes: readonly string[]): string[] {
  return Array.from({ length: Math.ceil(nodes.length / 2) }, (_, i) => {
    const right = nodes[2 * i + 1];
    return right === undefined ? nodes[2 * i]! : hashNode(nodes[2 * i]!, right);
  });
}

/** Checks an audit path against a root. False for any malformed input; never throws. */
export function verifyMerkleProof(claim: {
  readonly root: Uint8Array;
  readonly leaf: Uint8Array;
  readonly index: number;
  readonly count: number;
  readonly proof: readonly Uint8Array[];
}): boolean {
  const { root, index, count, proof } = claim;
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(count) || index < 0 || index >= count)
    return false;
  if (proof.some((sibling) => sibling.length !== SHA256_BYTES)) return false;
  let hash = hashLeaf(claim.leaf);
  let position = index;
  let last = count - 1;
  for (const sibling of proof.map(digestText)) {
    if (last === 0) return false;
    if (position % 2 === 1 || position === last) {
      hash = hashNode(sibling, hash);
      // The lone last node of a level moves up unhashed until it has a left sibling.
      while (position % 2 === 0 && position !== 0) {
        position = Math.floor(position / 2);
        last = Math.floor(last / 2);
      }
    } else {
      hash = hashNode(hash, sibling);
    }
    position = Math.floor(position / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && equalBytes(digestBytes(hash), root);
}

/** The chunks of a payload, as views. Limits: at least one byte. */
export function payloadChunks(payload: Uint8Array): readonly Uint8Array[] {
  if (payload.length === 0) throw new RangeError('a payload has at least one byte');
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < payload.length; at += PAYLOAD_CHUNK_BYTES) {
    chunks.push(payload.subarray(at, at + PAYLOAD_CHUNK_BYTES));
  }
  return chunks;
}

/** A payload's id: the Merkle root over its chunks. */
export function payloadId(payload: Uint8Array): Uint8Array {
  return merkleRoot(payloadChunks(payload));
}

/** Hashes are digest texts (crypto/hash.ts) until somebody wants one. */
function hashLeaf(leaf: Uint8Array): string {
  return sha256Behind(LEAF, leaf);
}

function hashNode(left: string, right: string): string {
  return sha256Pair(NODE, left, right);
}
