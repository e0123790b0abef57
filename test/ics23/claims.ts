import type { ics23 } from '@confio/ics23';
import {
  applyChanges,
  emptyTree,
  proveState,
  type StateTree,
  treeGet,
  treeRoot,
  verifyStateProof,
} from '../../chain/index.js';
import { bytesToHex, utf8ToBytes } from '../../crypto/index.js';
import { absence, byKey, existence, keysOf, neighbours, onWire } from '../support/ics23.js';

/** What is said of a key of a tree, with its proof in ICS23's form, and whether it is so. */
export interface Claim {
  readonly kind: string;
  readonly holds: boolean;
  readonly root: Uint8Array;
  readonly key: string;
  /** Null: it has no value. */
  readonly value: Uint8Array | null;
  readonly proof: Uint8Array;
}

/** Below so many, exclusive. */
export type Pick = (bound: number) => number;

/** Entries at most of a tree whose every gap is claimed; of larger ones some. */
const SAMPLE = 60;

/** True and false claims about a tree of so many entries, which `pick` chooses. */
export function claimsAbout(size: number, pick: Pick): readonly Claim[] {
  const name = (): string => `entry/${pick(2 ** 30)}/${pick(2 ** 30)}`;
  const tree = applyChanges(
    emptyTree,
    new Map(Array.from({ length: size }, (_, i) => [name(), utf8ToBytes(`value ${i}`)])),
  );
  const root = treeRoot(tree);
  const keys = keysOf(tree);
  const there = Array.from({ length: Math.min(size, SAMPLE) }, () => pick(keys.length));
  const gone = there.map(name).filter((key) => treeGet(tree, key) === null);
  return [
    ...there.flatMap((at) => presenceClaims({ tree, root, keys }, at, pick)),
    ...gone.flatMap((key) => absenceClaims({ tree, root, keys }, key, pick)),
  ];
}

interface Given {
  readonly tree: StateTree;
  readonly root: Uint8Array;
  /** In the order of their paths. */
  readonly keys: readonly string[];
}

function presenceClaims({ tree, root, keys }: Given, at: number, pick: Pick): Claim[] {
  const key = keys[at]!;
  const value = treeGet(tree, key)!;
  const own = proveState(tree, key);
  if (!verifyStateProof({ root, key, value, proof: own })) throw new Error(`our own check refuses ${key}`);
  const plain = existence(key, value, own, byKey);
  const say = (kind: string, proof: ics23.IExistenceProof, change: Partial<Claim> = {}): Claim => ({
    kind: `presence: ${kind}`,
    holds: false,
    root,
    key,
    value,
    proof: onWire({ exist: proof }),
    ...change,
  });
  const other = utf8ToBytes('another value');
  const claims = [
    say('true', plain, { holds: true }),
    say('another value', { ...plain, value: other }, { value: other }),
    say('a value that the proof does not name', plain, { value: other }),
    say('another root', plain, { root: flipped(root, pick) }),
    say('another key', { ...plain, key: utf8ToBytes(`${key}x`) }, { key: `${key}x` }),
  ];
  if (own.siblings.length === 0) return claims;
  const step = pick(plain.path!.length);
  const { prefix, suffix } = plain.path![step]!;
  const swapped = onOtherSide(prefix!, suffix!);
  const steps = (path: ics23.IInnerOp[]) => ({ ...plain, path });
  const altered = own.siblings.with(step, flipped(own.siblings[step]!, pick));
  return [
    ...claims,
    say('a bit of a sibling', existence(key, value, { ...own, siblings: altered }, byKey)),
    say('a step left out', steps(plain.path!.filter((_, i) => i !== step))),
    say('a step on the other side', steps(plain.path!.with(step, { ...plain.path![step], ...swapped }))),
    // The key stands in the tree: its neighbours deny it.
    {
      ...say('denied by its neighbours', plain),
      value: null,
      proof: onWire({ nonexist: absence(tree, key, neighbours(keys, key), byKey) }),
    },
  ];
}

function absenceClaims({ tree, root, keys }: Given, key: string, pick: Pick): Claim[] {
  if (!verifyStateProof({ root, key, value: null, proof: proveState(tree, key) }))
    throw new Error(`our own check refuses that ${key} has no value`);
  const sides = neighbours(keys, key);
  const say = (
    kind: string,
    by: typeof sides,
    change: Partial<Claim> = {},
    alter: (proof: ics23.INonExistenceProof) => ics23.INonExistenceProof = (proof) => proof,
  ): Claim => ({
    kind: `absence: ${kind}`,
    holds: false,
    root,
    key,
    value: null,
    proof: onWire({ nonexist: alter(absence(tree, key, by, byKey)) }),
    ...change,
  });
  const { left, right } = sides;
  const before = left === null ? null : (keys[keys.indexOf(left) - 1] ?? null);
  const behind = right === null ? null : (keys[keys.indexOf(right) + 1] ?? null);
  const away = keys[pick(keys.length)]!;
  return [
    say('true', sides, { holds: true }),
    say('another root', sides, { root: flipped(root, pick) }),
    ...(left === null ? [] : [say('the left neighbour skipped', { left: before, right })]),
    ...(right === null ? [] : [say('the right neighbour skipped', { left, right: behind })]),
    ...(left === null || right === null ? [] : [say('sides exchanged', { left: right, right: left })]),
    say('of a key that is there', sides, { key: away }, (proof) => ({ ...proof, key: utf8ToBytes(away) })),
    say('a bit of a neighbour’s sibling', sides, {}, (proof) => {
      const side = proof.left != null && (proof.right == null || pick(2) === 0) ? 'left' : 'right';
      return { ...proof, [side]: withFlippedBit(proof[side]!, pick) };
    }),
  ];
}

/** A neighbour whose own proof does not lead to the root any more. */
function withFlippedBit(proof: ics23.IExistenceProof, pick: Pick): ics23.IExistenceProof {
  const path = proof.path ?? [];
  if (path.length === 0) return { ...proof, value: flipped(proof.value!, pick) };
  const at = pick(path.length);
  const { prefix, suffix } = path[at]!;
  const step =
    suffix!.length > 0
      ? { ...path[at], suffix: flipped(suffix!, pick) }
      : { ...path[at], prefix: Uint8Array.of(1, ...flipped(prefix!.subarray(1), pick)) };
  return { ...proof, path: path.with(at, step) };
}

function onOtherSide(prefix: Uint8Array, suffix: Uint8Array) {
  return suffix.length > 0
    ? { prefix: Uint8Array.of(1, ...suffix), suffix: new Uint8Array(0) }
    : { prefix: Uint8Array.of(1), suffix: prefix.subarray(1) };
}

function flipped(bytes: Uint8Array, pick: Pick): Uint8Array {
  const altered = new Uint8Array(bytes);
  const bit = pick(bytes.length * 8);
  altered[bit >> 3]! ^= 1 << (bit & 7);
  if (bytesToHex(altered) === bytesToHex(bytes)) throw new Error('bug: nothing was altered');
  return altered;
}
