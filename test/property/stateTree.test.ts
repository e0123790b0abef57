import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyChanges,
  emptyTree,
  type StateTree,
  treeDelete,
  treeEntries,
  treeGet,
  treeRoot,
  treeSet,
} from '../../chain/index.js';

const h = (...parts: Uint8Array[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();

/** The root of a map from scratch: no tree, no sharing, another SHA-256. */
function reference(entries: readonly (readonly [Buffer, Uint8Array])[], depth = 0): Buffer {
  if (entries.length === 0) return Buffer.alloc(32);
  if (entries.length === 1) return h(Buffer.of(0), entries[0]![0], h(entries[0]![1]));
  const side = (bit: number): Buffer =>
    reference(
      entries.filter(([path]) => ((path[Math.floor(depth / 8)]! >> (7 - (depth % 8))) & 1) === bit),
      depth + 1,
    );
  return h(Buffer.of(1), side(0), side(1));
}

function referenceOf(map: ReadonlyMap<string, Uint8Array>): string {
  return reference([...map].map(([key, value]) => [h(Buffer.from(key)), value] as const)).toString('hex');
}

const rootOf = (tree: StateTree): string => Buffer.from(treeRoot(tree)).toString('hex');
/** Few keys, so that they are overwritten and removed often. */
const key = fc.integer({ min: 0, max: 60 }).map((n) => `key/${n}`);
const value = fc.uint8Array({ maxLength: 4 });

describe('the state tree', () => {
  it('behaves as a map, and has the root of that map after every step', () => {
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ key, value }) },
      { weight: 2, arbitrary: fc.record({ key, value: fc.constant(null) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const map = new Map<string, Uint8Array>();
        let tree = emptyTree;
        for (const { key: name, value: given } of steps) {
          if (given === null) {
            map.delete(name);
            tree = treeDelete(tree, name);
          } else {
            map.set(name, given);
            tree = treeSet(tree, name, given);
          }
          expect(rootOf(tree)).toBe(referenceOf(map));
        }
        for (let i = 0; i <= 61; i += 1)
          expect(treeGet(tree, `key/${i}`)).toEqual(map.get(`key/${i}`) ?? null);
        expect(new Map(treeEntries(tree))).toEqual(map);
      }),
      { numRuns: 60 },
    );
  });

  it('has one root for one set of entries, in whatever order they came and with whatever detours', () => {
    const entries = fc.uniqueArray(fc.tuple(fc.string(), value), {
      selector: ([name]) => name,
      maxLength: 60,
    });
    const input = entries.chain((list) =>
      fc.record({
        list: fc.constant(list),
        shuffled: fc.shuffledSubarray(list, { minLength: list.length }),
        detours: fc.array(fc.tuple(fc.string(), value), { maxLength: 20 }),
      }),
    );
    fc.assert(
      fc.property(input, ({ list, shuffled, detours }) => {
        const set = (tree: StateTree, [name, given]: [string, Uint8Array]): StateTree =>
          treeSet(tree, name, given);
        const straight = list.reduce(set, emptyTree);
        let detoured = detours.reduce(set, emptyTree);
        detoured = shuffled.reduce(set, detoured);
        const names = new Set(list.map(([name]) => name));
        for (const [name] of detours) if (!names.has(name)) detoured = treeDelete(detoured, name);
        expect(rootOf(detoured)).toBe(rootOf(straight));
      }),
    );
  });

  it('takes a batch of changes as it takes them one by one, in whatever order, and shares what they leave alone', () => {
    const change = fc.tuple(key, fc.option(value, { nil: null, freq: 2 }));
    const batch = fc.uniqueArray(change, { selector: ([name]) => name, maxLength: 60 });
    const input = fc.record({ before: batch, changes: batch }).chain(({ before, changes }) =>
      fc.record({
        before: fc.constant(before),
        changes: fc.constant(changes),
        shuffled: fc.shuffledSubarray(changes, { minLength: changes.length }),
      }),
    );
    fc.assert(
      fc.property(input, ({ before, changes, shuffled }) => {
        const tree = applyChanges(emptyTree, new Map(before));
        const root = rootOf(tree);
        const oneByOne = changes.reduce(
          (below, [name, given]) => (given === null ? treeDelete(below, name) : treeSet(below, name, given)),
          tree,
        );
        const map = new Map([...before, ...changes].filter(([, given]) => given !== null)) as Map<
          string,
          Uint8Array
        >;
        for (const [name, given] of changes) if (given === null) map.delete(name);
        const expected = referenceOf(map);
        expect(rootOf(oneByOne)).toBe(expected);
        for (const order of [changes, shuffled]) {
          const after = applyChanges(tree, new Map(order));
          expect(rootOf(after)).toBe(expected);
          expect(new Map(treeEntries(after))).toEqual(map);
          // Nothing is made for what is not changed: a removal of what is not there gives the very same tree.
          const absent = order.filter(([name]) => !map.has(name)).map(([name]) => [name, null] as const);
          expect(applyChanges(after, new Map(absent))).toBe(after);
        }
        expect(rootOf(tree)).toBe(root);
      }),
    );
  });
});
