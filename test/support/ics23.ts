import { ics23 } from '@confio/ics23';
import { smtSpec } from '@confio/ics23/build/proofs.js';
import { proveState, type StateProof, type StateTree, treeEntries, treeGet } from '../../chain/index.js';
import { sha256, utf8ToBytes } from '../../crypto/index.js';

/*
 * Our proofs of the state in ICS23's form (docs/state.md).
 */

export const pathOf = (key: string): Uint8Array => sha256(utf8ToBytes(key));

/** 0: to the left. */
export const bitOf = (path: Uint8Array, depth: number): number =>
  (path[depth >> 3]! >> (7 - (depth & 7))) & 1;

/** What a version of ICS23 calls a key, and how it makes a leaf of it. */
interface Form {
  readonly keyOf: (key: string) => Uint8Array;
  readonly leaf: ics23.ILeafOp;
}

/** `@confio/ics23` 0.6.8: its spec hashes no keys, so a key is the path. */
const byPath: Form = { keyOf: pathOf, leaf: smtSpec.leafSpec! };

/** Today's spec: it hashes keys, and compares the hashes. */
export const byKey: Form = {
  keyOf: utf8ToBytes,
  leaf: { ...smtSpec.leafSpec!, prehashKey: ics23.HashOp.SHA256 },
};

/** Our proof that a key has a value. */
export function existence(
  key: string,
  value: Uint8Array,
  { siblings }: StateProof,
  { keyOf, leaf }: Form = byPath,
): ics23.IExistenceProof {
  const path = pathOf(key);
  const steps = siblings.map((sibling, i): ics23.IInnerOp => {
    const onLeft = bitOf(path, siblings.length - 1 - i) === 0;
    const prefix = Uint8Array.of(1, ...(onLeft ? [] : sibling));
    return { hash: ics23.HashOp.SHA256, prefix, suffix: onLeft ? sibling : new Uint8Array(0) };
  });
  return { key: keyOf(key), value, leaf, path: steps };
}

/** The keys of a tree in the order of their paths. */
export const keysOf = (tree: StateTree): readonly string[] => [...treeEntries(tree)].map(([name]) => name);

/** The entries that stand next to where `key` is or would be; itself left out. `keys`: of the tree, in order. */
export function neighbours(
  keys: readonly string[],
  key: string,
): { readonly left: string | null; readonly right: string | null } {
  const path = pathOf(key);
  const before = keys.filter((name) => Buffer.compare(pathOf(name), path) < 0);
  const behind = keys.filter((name) => Buffer.compare(pathOf(name), path) > 0);
  return { left: before.at(-1) ?? null, right: behind[0] ?? null };
}

/** The claim that `key` has no value, by two entries of the tree that are said to be neighbours. */
export function absence(
  tree: StateTree,
  key: string,
  { left, right }: { readonly left: string | null; readonly right: string | null },
  form: Form = byPath,
): ics23.INonExistenceProof {
  const proofOf = (name: string | null) =>
    name === null ? null : existence(name, treeGet(tree, name)!, proveState(tree, name), form);
  return { key: form.keyOf(key), left: proofOf(left), right: proofOf(right) };
}

/** As it travels. */
export const onWire = (proof: ics23.ICommitmentProof): Uint8Array =>
  ics23.CommitmentProof.encode(proof).finish();
