import { equalBytes, sha256, utf8ToBytes } from '../crypto/index.js';

/**
 * Sparse Merkle tree over the state, in the Jellyfish manner: a subtree with one entry is that entry's leaf.
 *
 * Hashes follow ICS23's `smtSpec`: leaf = H(0x00 ‖ H(key) ‖ H(value)), inner = H(0x01 ‖ left ‖ right), an empty
 * subtree is 32 zero bytes, all SHA-256; the path is the bits of H(key), first bit first. The root depends on
 * the entries alone, never on the order in which they came.
 *
 * Nodes are never changed once made (only their hash is filled in when first asked for), so every version of
 * the state shares what it has in common with the others. Cost: about log2(n) new nodes a write.
 */
export type StateTree = TreeNode | null;

type TreeNode = Leaf | Inner;

interface Leaf {
  readonly kind: 'leaf';
  readonly path: Uint8Array;
  readonly key: string;
  readonly value: Uint8Array;
  hash: Uint8Array | null;
}

interface Inner {
  readonly kind: 'inner';
  readonly left: StateTree;
  readonly right: StateTree;
  hash: Uint8Array | null;
}

const EMPTY = new Uint8Array(32);
const LEAF = Uint8Array.of(0);
const INNER = Uint8Array.of(1);

export const emptyTree: StateTree = null;

export function treeRoot(tree: StateTree): Uint8Array {
  if (tree === null) return EMPTY;
  tree.hash ??=
    tree.kind === 'leaf'
      ? hashStateLeaf(tree.path, sha256(tree.value))
      : hashStateInner(treeRoot(tree.left), treeRoot(tree.right));
  return tree.hash;
}

/** Hash of an entry's leaf: `path` is the hash of its key. */
export function hashStateLeaf(path: Uint8Array, valueHash: Uint8Array): Uint8Array {
  return sha256(LEAF, path, valueHash);
}

export function hashStateInner(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(INNER, left, right);
}

export function treeGet(tree: StateTree, key: string): Uint8Array | null {
  const path = statePath(key);
  let node = tree;
  for (let depth = 0; node !== null && node.kind === 'inner'; depth += 1) {
    node = pathBit(path, depth) === 0 ? node.left : node.right;
  }
  return node !== null && equalBytes(node.path, path) ? node.value : null;
}

export function treeSet(tree: StateTree, key: string, value: Uint8Array): StateTree {
  return put(tree, { kind: 'leaf', path: statePath(key), key, value, hash: null }, 0);
}

export function treeDelete(tree: StateTree, key: string): StateTree {
  return remove(tree, statePath(key), 0);
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

/** The way from the root to a key's entry, one bit a level: 256 of them. */
export function statePath(key: string): Uint8Array {
  return sha256(utf8ToBytes(key));
}

/** 0: left, 1: right. */
export function pathBit(path: Uint8Array, depth: number): number {
  return (path[depth >> 3]! >> (7 - (depth & 7))) & 1;
}

function inner(left: StateTree, right: StateTree): Inner {
  return { kind: 'inner', left, right, hash: null };
}

function put(node: StateTree, leaf: Leaf, depth: number): TreeNode {
  if (node === null) return leaf;
  if (node.kind === 'inner') {
    return pathBit(leaf.path, depth) === 0
      ? inner(put(node.left, leaf, depth + 1), node.right)
      : inner(node.left, put(node.right, leaf, depth + 1));
  }
  if (equalBytes(node.path, leaf.path)) return leaf;
  const old = pathBit(node.path, depth);
  const fresh = pathBit(leaf.path, depth);
  if (old !== fresh) return fresh === 0 ? inner(leaf, node) : inner(node, leaf);
  const deeper = put(node, leaf, depth + 1);
  return fresh === 0 ? inner(deeper, null) : inner(null, deeper);
}

function remove(node: StateTree, path: Uint8Array, depth: number): StateTree {
  if (node === null) return null;
  if (node.kind === 'leaf') return equalBytes(node.path, path) ? null : node;
  const onLeft = pathBit(path, depth) === 0;
  const before = onLeft ? node.left : node.right;
  const after = remove(before, path, depth + 1);
  if (after === before) return node;
  const left = onLeft ? after : node.left;
  const right = onLeft ? node.right : after;
  if (left === null && (right === null || right.kind === 'leaf')) return right;
  if (right === null && left !== null && left.kind === 'leaf') return left;
  return inner(left, right);
}
