import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyChanges,
  bytesBetween,
  DecodeError,
  decodeStateProof,
  emptyTree,
  encode,
  encodeStateProof,
  list,
  nullable,
  proveState,
  record,
  type StateProof,
  treeGet,
  treeRoot,
  treeSet,
  verifyStateProof,
} from '../../chain/index.js';
import { sha256, utf8ToBytes } from '../../crypto/index.js';

/** Half of the keys 0..2n are there, so that proofs of both kinds are asked for. */
const given = fc.record({
  size: fc.integer({ min: 1, max: 60 }),
  which: fc.nat(119),
  at: fc.nat(),
  byte: fc.nat(31),
  bit: fc.nat(7),
});
const pathOf = (key: string): Uint8Array => sha256(utf8ToBytes(key));
const treeOf = (size: number) =>
  Array.from({ length: size }, (_, i) => i).reduce(
    (tree, i) => treeSet(tree, `key ${2 * i}`, utf8ToBytes(`value ${i}`)),
    emptyTree,
  );

describe('a state proof', () => {
  it('shows the value of a key, or that it has none, and nothing else', () => {
    fc.assert(
      fc.property(given, ({ size, which, at, byte, bit }) => {
        const tree = treeOf(size);
        const root = treeRoot(tree);
        const key = `key ${which}`;
        const value = treeGet(tree, key);
        const proof = proveState(tree, key);
        const claim = { root, key, value, proof };
        expect(verifyStateProof(claim)).toBe(true);
        expect(decodeStateProof(encodeStateProof(proof))).toEqual(proof);

        const refused = (change: Partial<typeof claim>): void =>
          expect(verifyStateProof({ ...claim, ...change })).toBe(false);
        refused({ value: utf8ToBytes('another') });
        if (value !== null) refused({ value: null });
        refused({ root: sha256(root) });
        for (let i = 0; i < 120; i += 1) {
          const other = `key ${i}`;
          // One empty subtree, or one other leaf, shows the absence of every key whose way ends there.
          const alsoAbsent = value === null && treeGet(tree, other) === null;
          if (i !== which && !alsoAbsent) refused({ key: other });
        }
        if (proof.siblings.length > 0) {
          const spot = at % proof.siblings.length;
          const flipped = new Uint8Array(proof.siblings[spot]!);
          flipped[byte]! ^= 1 << bit;
          refused({ proof: { ...proof, siblings: proof.siblings.with(spot, flipped) } });
          refused({ proof: { ...proof, siblings: proof.siblings.slice(1) } });
          refused({ proof: { ...proof, siblings: proof.siblings.slice(0, -1) } });
        }
        refused({ proof: { ...proof, siblings: [...proof.siblings, sha256()] } });
      }),
    );
  });

  it('does not deny a key by its own leaf, nor by a leaf that lies elsewhere', () => {
    const tree = treeOf(30);
    const root = treeRoot(tree);
    const key = 'key 8';
    const { siblings } = proveState(tree, key);
    const own: StateProof = {
      siblings,
      other: { path: pathOf(key), valueHash: sha256(treeGet(tree, key)!) },
    };
    expect(verifyStateProof({ root, key, value: null, proof: own })).toBe(false);
    const value = treeGet(tree, key);
    expect(verifyStateProof({ root, key, value, proof: { siblings, other: null } })).toBe(true);
    expect(verifyStateProof({ root, key, value, proof: own })).toBe(false);
    for (let i = 0; i < 60; i += 2) {
      const elsewhere = `key ${i}`;
      const leaf = { path: pathOf(elsewhere), valueHash: sha256(treeGet(tree, elsewhere)!) };
      const path = proveState(tree, elsewhere).siblings;
      expect(verifyStateProof({ root, key, value: null, proof: { siblings: path, other: leaf } })).toBe(
        false,
      );
      expect(verifyStateProof({ root, key, value: null, proof: { siblings, other: leaf } })).toBe(false);
    }
  });

  it('of the empty state denies every key', () => {
    const root = treeRoot(emptyTree);
    const proof = proveState(emptyTree, 'a');
    expect(proof).toEqual({ siblings: [], other: null });
    expect(verifyStateProof({ root, key: 'a', value: null, proof })).toBe(true);
    expect(verifyStateProof({ root, key: 'a', value: new Uint8Array(0), proof })).toBe(false);
  });

  it('with any bit of its bytes flipped shows nothing', () => {
    const tree = treeOf(24);
    const root = treeRoot(tree);
    const absent = Array.from({ length: 40 }, (_, i) => `key ${2 * i + 1}`);
    const atLeaf = absent.find((key) => proveState(tree, key).other !== null)!;
    const atNothing = absent.find((key) => proveState(tree, key).other === null)!;
    for (const key of ['key 6', atLeaf, atNothing]) {
      const value = treeGet(tree, key);
      const raw = encodeStateProof(proveState(tree, key));
      const shows = (bytes: Uint8Array): boolean => {
        try {
          return verifyStateProof({ root, key, value, proof: decodeStateProof(bytes) });
        } catch (error) {
          if (error instanceof DecodeError) return false;
          throw error;
        }
      };
      expect(shows(raw)).toBe(true);
      for (let bit = 0; bit < raw.length * 8; bit += 1) {
        const flipped = new Uint8Array(raw);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        if (shows(flipped)) expect.fail(`bit ${bit} of the proof for ${key} does not matter`);
      }
      for (let end = 0; end < raw.length; end += 1) expect(shows(raw.subarray(0, end))).toBe(false);
    }
  });

  it('of one version does not hold against the root of another', () => {
    const changes = fc.uniqueArray(
      fc.tuple(fc.nat(60), fc.option(fc.uint8Array({ maxLength: 3 }), { nil: null })),
      {
        selector: ([which]) => which,
        minLength: 1,
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), changes, fc.nat(60), (size, list, which) => {
        const before = treeOf(size);
        const after = applyChanges(before, new Map(list.map(([n, value]) => [`key ${n}`, value])));
        const [old, fresh] = [treeRoot(before), treeRoot(after)];
        fc.pre(Buffer.compare(old, fresh) !== 0);
        const key = `key ${which}`;
        for (const [tree, own, other] of [
          [before, old, fresh],
          [after, fresh, old],
        ] as const) {
          const claim = { key, value: treeGet(tree, key), proof: proveState(tree, key) };
          expect(verifyStateProof({ ...claim, root: own })).toBe(true);
          expect(verifyStateProof({ ...claim, root: other })).toBe(false);
        }
      }),
    );
  });

  it('is bounded when it is decoded', () => {
    const sibling = sha256();
    const deepest = {
      siblings: new Array<Uint8Array>(256).fill(sibling),
      other: { path: sibling, valueHash: sibling },
    };
    expect(decodeStateProof(encodeStateProof(deepest))).toEqual(deepest);
    const loose = record({
      siblings: list(bytesBetween(0, 100), 1_000),
      other: nullable(bytesBetween(0, 9)),
    });
    const refused = (siblings: readonly Uint8Array[]): void =>
      expect(() => decodeStateProof(encode(loose, { siblings, other: null }))).toThrow(DecodeError);
    refused(new Array<Uint8Array>(257).fill(sibling));
    refused(new Array<Uint8Array>(1_000).fill(sibling));
    refused([new Uint8Array(31)]);
    refused([new Uint8Array(33)]);
  });
});
