import { digestBytes, digestText, equalBytes } from '../crypto/index.js';
import { bytes, bytesBetween, type Infer, list, struct, text } from './codec.js';
import { limits } from './limits.js';
import {
  EMPTY_HASH,
  hashStateInner,
  joinSubtrees,
  nodeHash,
  pathBit,
  type StateTree,
  statePath,
  subtreeOf,
  treeEntries,
} from './stateTree.js';

/** Bits of a path: nothing lies deeper. */
const DEPTH_MAX = 256;
/** Of a key, in UTF-8; far above any that contracts write. */
const KEY_BYTES_MAX = 8_192;
/** What an entry takes in a chunk beside key and value, at most; it also bounds entries by bytes. */
const ENTRY_BYTES = 48;

/** A chunk has at most this many bytes of entries, unless it is one entry alone. */
export const CHUNK_BYTES_MAX = 512 * 1024;
/** Encoded: one entry may be as large as a state value can be; siblings and heads come on top. */
export const CHUNK_ANSWER_BYTES_MAX =
  Math.max(CHUNK_BYTES_MAX, limits.stateValueBytesMax + KEY_BYTES_MAX) + 35 * DEPTH_MAX + 1_024;

/**
 * A range of the state's paths that is one subtree: all paths that begin with the first `depth` bits of `path` (the
 * other bits are 0). `hash` is the subtree's, 32 bytes, and known to be right: from a header that is proved, or from a
 * chunk that was checked. The whole state is the range of depth 0 under the state root.
 */
export interface StateRange {
  readonly path: Uint8Array;
  readonly depth: number;
  readonly hash: Uint8Array;
}

/**
 * The first part of a range: all entries of its subtree that lies leftmost at depth `range.depth + siblings.length`,
 * in the order of their paths, and the hashes of what is to the right of it within the range, from the lowest up.
 *
 * So one way of siblings is both borders of the chunk: to its left there is nothing of the range, and to its right the
 * siblings are all. They also are the ranges that remain, each with its hash.
 */
export const stateChunkCodec = struct({
  entries: list(
    struct({ key: text(KEY_BYTES_MAX), value: bytesBetween(0, limits.stateValueBytesMax) }),
    Math.ceil(CHUNK_BYTES_MAX / ENTRY_BYTES) + 1,
  ),
  siblings: list(bytes(32), DEPTH_MAX),
});
export type StateChunk = Infer<typeof stateChunkCodec>;

/** The part of a state that a checked chunk gives. Its nodes have their hashes. */
export interface StatePart {
  readonly path: Uint8Array;
  readonly depth: number;
  readonly tree: StateTree;
}

export type ChunkFault =
  /** Keys are not in the order of their paths, or one is there twice. */
  | 'not-in-order'
  /** A key whose path is not in the range. */
  | 'outside'
  /** Deeper than a path is long. */
  | 'too-deep'
  /** Something was left out, added or altered. */
  | 'wrong-hash';

export type CheckedChunk =
  | { readonly ok: true; readonly part: StatePart; readonly rest: readonly StateRange[] }
  | { readonly ok: false; readonly reason: ChunkFault };

/** The whole state under a root. */
export function wholeState(root: Uint8Array): StateRange {
  return { path: new Uint8Array(32), depth: 0, hash: root };
}

/**
 * Cuts the first chunk off a range of a state: the largest subtree at its left end whose entries fit `bytesMax`, or
 * one entry. Null: the tree has no subtree there (the range is of another state).
 *
 * Cost: reading about twice `bytesMax` of entries, and the hashes on the way if nobody asked for them before.
 */
export function cutChunk(
  tree: StateTree,
  { path, depth }: Pick<StateRange, 'path' | 'depth'>,
  bytesMax = CHUNK_BYTES_MAX,
): StateChunk | null {
  const way = digestText(path);
  let node = tree;
  for (let at = 0; at < depth; at += 1) {
    if (node === null || node.kind === 'leaf') return null;
    node = pathBit(way, at) === 0 ? node.left : node.right;
  }
  const siblings: Uint8Array[] = [];
  while (node !== null && node.kind === 'inner' && !fits(node, bytesMax)) {
    siblings.unshift(digestBytes(nodeHash(node.right)));
    node = node.left;
  }
  const entries = [...treeEntries(node)].map(([key, value]) => ({ key, value }));
  return { entries, siblings };
}

/**
 * Checks a chunk against the range that it is to begin, and gives what it shows and which ranges are left of it.
 *
 * Complete by its form: the entries make the subtree at their depth, with the siblings that makes the range's hash, so
 * an entry that is missing, added, altered or moved gives another one. Needs nothing but the range.
 *
 * Fails, in this order: "too-deep", "not-in-order", "outside", "wrong-hash".
 * Cost: three hashes an entry, and one a sibling.
 * Source: range proofs at the borders of a sparse Merkle tree as Jellyfish restores them (Gao, Hu, Wu 2021), cut so
 *   that a chunk is always a whole subtree: each stands alone, in any order.
 */
export function verifyChunk(range: StateRange, { entries, siblings }: StateChunk): CheckedChunk {
  const depth = range.depth + siblings.length;
  if (depth > DEPTH_MAX) return { ok: false, reason: 'too-deep' };
  const leaves = entries.map(({ key, value }) => ({ path: statePath(key), key, value }));
  // Two of one path would never part.
  if (leaves.some(({ path }, i) => i > 0 && leaves[i - 1]!.path >= path))
    return { ok: false, reason: 'not-in-order' };
  const way = digestText(range.path);
  // In order, so what the first and the last begin with, all between do.
  const ends = leaves.length === 0 ? [] : [leaves[0]!, leaves.at(-1)!];
  if (ends.some(({ path }) => !beginsWith(path, way, depth))) return { ok: false, reason: 'outside' };
  const tree = subtreeOf(leaves, depth);
  const hash = siblings.reduce(
    (below, sibling) => hashStateInner(below, digestText(sibling)),
    nodeHash(tree),
  );
  if (!equalBytes(digestBytes(hash), range.hash)) return { ok: false, reason: 'wrong-hash' };
  const rest = siblings.flatMap((sibling, i) =>
    digestText(sibling) === EMPTY_HASH
      ? []
      : [{ path: withBit(range.path, depth - i - 1), depth: depth - i, hash: sibling }],
  );
  return { ok: true, part: { path: range.path, depth, tree }, rest };
}

/** The state that parts make which leave nothing out: those of a whole state's chunks, in any order. */
export function assembleState(parts: readonly StatePart[]): StateTree {
  const named = parts.map(({ path, depth, tree }) => ({ way: digestText(path), depth, tree }));
  return assemble(named, 0);
}

function assemble(
  parts: readonly { readonly way: string; readonly depth: number; readonly tree: StateTree }[],
  depth: number,
): StateTree {
  if (parts.length === 0) return null;
  const [first] = parts;
  if (parts.length === 1 && first!.depth === depth) return first!.tree;
  const [left, right] = [0, 1].map((bit) =>
    assemble(
      parts.filter(({ way }) => pathBit(way, depth) === bit),
      depth + 1,
    ),
  );
  return joinSubtrees(left!, right!);
}

function fits(node: StateTree, bytesMax: number): boolean {
  let bytes = 0;
  for (const [key, value] of treeEntries(node)) {
    bytes += 3 * key.length + value.length + ENTRY_BYTES;
    if (bytes > bytesMax) return false;
  }
  return true;
}

function beginsWith(path: string, way: string, bits: number): boolean {
  const whole = bits >> 3;
  if (path.slice(0, whole) !== way.slice(0, whole)) return false;
  const left = bits & 7;
  return left === 0 || (path.charCodeAt(whole) ^ way.charCodeAt(whole)) >> (8 - left) === 0;
}

function withBit(path: Uint8Array, bit: number): Uint8Array {
  const copy = new Uint8Array(path);
  copy[bit >> 3]! |= 1 << (7 - (bit & 7));
  return copy;
}
