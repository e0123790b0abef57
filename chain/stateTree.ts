import { digestBytes, sha256Pair, sha256Text } from '../crypto/index.js';

/**
 * Sparse Merkle tree over the state, in the Jellyfish manner: a subtree with one entry is that entry's leaf.
 *
 * Hashes follow ICS23's `smtSpec`: leaf = H(0x00 ‖ H(key) ‖ H(value)), inner = H(0x01 ‖ left ‖ right), an empty
 * subtree is 32 zero bytes, all SHA-256; the path is the bits of H(key), first bit first. The root depends on
 * the entries alone, never on the order in which they came.
 *
 * Nodes are never changed once made (only their hash is filled in when first asked for), so every version of
 * the state shares what it has in common with the others. Paths and hashes are digest texts (crypto/hash.ts).
 */
export type StateTree = TreeNode | null;

type TreeNode = Leaf | Inner;

interface Leaf {
  readonly kind: 'leaf';
  readonly path: string;
  readonly key: string;
  readonly value: Uint8Array;
  hash: string | null;
}

interface Inner {
  readonly kind: 'inner';
  readonly left: StateTree;
  readonly right: StateTree;
  hash: string | null;
}

const LEAF = 0;
const INNER = 1;
/** Digest text of an empty subtree. */
export const EMPTY_HASH = '\0'.repeat(32);

export const emptyTree: StateTree = null;

export function treeRoot(tree: StateTree): Uint8Array {
  return digestBytes(nodeHash(tree));
}

/** The digest text that stands for a subtree. Cost: one hash for each node that was not asked before. */
export function nodeHash(node: StateTree): string {
  if (node === null) return EMPTY_HASH;
  node.hash ??=
    node.kind === 'leaf'
      ? hashStateLeaf(node.path, sha256Text(node.value))
      : hashStateInner(nodeHash(node.left), nodeHash(node.right));
  return node.hash;
}

/** Hash of an entry's leaf: `path` is the hash of its key. */
export function hashStateLeaf(path: string, valueHash: string): string {
  return sha256Pair(LEAF, path, valueHash);
}

export function hashStateInner(left: string, right: string): string {
  return sha256Pair(INNER, left, right);
}

export function treeGet(tree: StateTree, key: string): Uint8Array | null {
  const path = statePath(key);
  let node = tree;
  for (let depth = 0; node !== null && node.kind === 'inner'; depth += 1) {
    node = pathBit(path, depth) === 0 ? node.left : node.right;
  }
  return node !== null && node.path === path ? node.value : null;
}

export function treeSet(tree: StateTree, key: string, value: Uint8Array): StateTree {
  return applyChanges(tree, new Map([[key, value]]));
}

export function treeDelete(tree: StateTree, key: string): StateTree {
  return applyChanges(tree, new Map([[key, null]]));
}

/**
 * The tree with all these entries set, or removed where the value is null.
 *
 * One descent for all of them together, so that a node above several changes is made once.
 * Cost: at n entries and k changes about k · (log2(n/k) + 2) new nodes.
 */
export function applyChanges(tree: StateTree, changes: ReadonlyMap<string, Uint8Array | null>): StateTree {
  const list: Change[] = [];
  for (const [key, value] of changes) {
    const path = statePath(key);
    list.push({ path, leaf: value === null ? null : { kind: 'leaf', path, key, value, hash: null } });
  }
  return update(tree, list, 0, list.length, 0);
}

/** The subtree at `depth` of these entries, whose paths all differ and begin with the same `depth` bits. */
export function subtreeOf(entries: readonly Omit<Leaf, 'kind' | 'hash'>[], depth: number): StateTree {
  const leaves = entries.map(({ path, key, value }): Change => {
    return { path, leaf: { kind: 'leaf', path, key, value, hash: null } };
  });
  return update(null, leaves, 0, leaves.length, depth);
}

/** All entries, in the order of their paths. Cost: the whole tree. */
export function* treeEntries(tree: StateTree): Generator<readonly [key: string, value: Uint8Array]> {
  if (tree === null) return;
  if (tree.kind === 'leaf') {
    yield [tree.key, tree.value];
    return;
  }
  yield* treeEntries(tree.left);
  yield* treeEntries(tree.right);
}

/** Paths remembered: a key is looked up, written and checked within one block. About 10 MB. */
const PATHS_MAX = 32_768;
const paths = new Map<string, string>();

/** The way from the root to a key's entry, as a digest text: one bit a level, 256 of them. */
export function statePath(key: string): string {
  let path = paths.get(key);
  if (path === undefined) {
    path = sha256Text(key);
    if (paths.size >= PATHS_MAX) paths.clear();
    paths.set(key, path);
  }
  return path;
}

/** 0: left, 1: right. */
export function pathBit(path: string, depth: number): number {
  return (path.charCodeAt(depth >> 3) >> (7 - (depth & 7))) & 1;
}

/** What becomes of the entry at a path: its new leaf, or null if it shall be gone. */
interface Change {
  readonly path: string;
  readonly leaf: Leaf | null;
}

/** Applies `changes` from..to, whose paths all lead to `node`, and orders them by their paths on the way. */
function update(node: StateTree, changes: Change[], from: number, to: number, depth: number): StateTree {
  if (from === to) return node;
  if (node !== null && node.kind === 'inner') {
    const middle = partition(changes, from, to, depth);
    const left = update(node.left, changes, from, middle, depth + 1);
    const right = update(node.right, changes, middle, to, depth + 1);
    return left === node.left && right === node.right ? node : joinSubtrees(left, right);
  }
  const { path, leaf } = changes[from]!;
  if (to - from === 1 && (node === null || node.path === path)) return leaf;
  // A leaf that others join goes down on its side until their ways part.
  const middle = partition(changes, from, to, depth);
  const isLeft = node !== null && pathBit(node.path, depth) === 0;
  const left = update(isLeft ? node : null, changes, from, middle, depth + 1);
  const right = update(isLeft ? null : node, changes, middle, to, depth + 1);
  return joinSubtrees(left, right);
}

/** Reorders from..to so that those whose way goes left come first; returns where the others begin. */
function partition(changes: Change[], from: number, to: number, depth: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const change = changes[low]!;
    if (pathBit(change.path, depth) === 0) {
      low += 1;
    } else {
      high -= 1;
      changes[low] = changes[high]!;
      changes[high] = change;
    }
  }
  return low;
}

/** The subtree above two: of one entry alone it is its leaf, at whatever height. */
export function joinSubtrees(left: StateTree, right: StateTree): StateTree {
  if (left === null && (right === null || right.kind === 'leaf')) return right;
  if (right === null && left !== null && left.kind === 'leaf') return left;
  return { kind: 'inner', left, right, hash: null };
}
