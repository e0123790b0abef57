import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  emptyTree,
  type StateTree,
  treeDelete,
  treeEntries,
  treeGet,
  treeRoot,
  treeSet,
} from '../../../chain/index.js';
import { bytesToHex, utf8ToBytes } from '../../../crypto/index.js';
import { collectGarbage } from '../../support/garbage.js';

// ICS23's smtSpec, by hand and by another SHA-256: leaf H(0 ‖ H(key) ‖ H(value)), inner H(1 ‖ left ‖ right).
const h = (...parts: (string | Uint8Array)[]): Buffer => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};
const leaf = (key: string, value: string): Buffer => h('\0', h(key), h(value));
const inner = (left: Uint8Array, right: Uint8Array): Buffer => h('\x01', left, right);
const nothing = Buffer.alloc(32);
const bits = (key: string): string => [...h(key)].map((byte) => byte.toString(2).padStart(8, '0')).join('');

const tree = (entries: Record<string, string>): StateTree =>
  Object.entries(entries).reduce((below, [key, value]) => treeSet(below, key, utf8ToBytes(value)), emptyTree);
const root = (entries: Record<string, string>): string => bytesToHex(treeRoot(tree(entries)));

/** The first of key0, key1, ... whose path begins with these bits. */
function keyWith(prefix: string): string {
  for (let i = 0; ; i += 1) if (bits(`key${i}`).startsWith(prefix)) return `key${i}`;
}

describe('the state root', () => {
  it('of nothing is 32 zero bytes', () => {
    expect(root({})).toBe('00'.repeat(32));
  });

  it('of one entry is its leaf, whatever its path', () => {
    for (const key of [keyWith('0'), keyWith('1')]) {
      expect(root({ [key]: 'v' })).toBe(leaf(key, 'v').toString('hex'));
    }
    expect(root({ '': '' })).toBe(leaf('', '').toString('hex'));
  });

  it('of two entries that part at the first bit is their node, 0 on the left', () => {
    const [a, b] = [keyWith('0'), keyWith('1')];
    const expected = inner(leaf(a, 'x'), leaf(b, 'y')).toString('hex');
    expect(root({ [a]: 'x', [b]: 'y' })).toBe(expected);
    expect(root({ [b]: 'y', [a]: 'x' })).toBe(expected);
  });

  it('of two entries that part later has empty subtrees beside their way', () => {
    const [a, b] = [keyWith('100'), keyWith('101')];
    const expected = inner(nothing, inner(inner(leaf(a, 'x'), leaf(b, 'y')), nothing)).toString('hex');
    expect(root({ [a]: 'x', [b]: 'y' })).toBe(expected);
  });

  it('of three entries', () => {
    const [a, b, c] = [keyWith('00'), keyWith('01'), keyWith('1')];
    const expected = inner(inner(leaf(a, 'x'), leaf(b, 'y')), leaf(c, 'z')).toString('hex');
    expect(root({ [c]: 'z', [a]: 'x', [b]: 'y' })).toBe(expected);
    expect(root({ [b]: 'y', [c]: 'z', [a]: 'x' })).toBe(expected);
  });

  it('tells keys from values, and values from one another', () => {
    const roots = [{ a: 'b' }, { b: 'a' }, { a: 'a' }, { ab: '' }, { '': 'ab' }, { a: '' }, {}];
    expect(new Set(roots.map(root)).size).toBe(roots.length);
  });
});

describe('the tree', () => {
  it('gives back what was set last, and nothing for other keys', () => {
    const given = treeSet(tree({ a: '1', b: '2' }), 'a', utf8ToBytes('3'));
    expect(treeGet(given, 'a')).toEqual(utf8ToBytes('3'));
    expect(treeGet(given, 'b')).toEqual(utf8ToBytes('2'));
    expect(treeGet(given, 'c')).toBeNull();
    expect(treeGet(emptyTree, 'a')).toBeNull();
  });

  it('keeps every version as it was', () => {
    const before = tree({ a: '1', b: '2', c: '3' });
    const rootBefore = bytesToHex(treeRoot(before));
    const after = treeDelete(treeSet(before, 'a', utf8ToBytes('9')), 'b');
    expect(bytesToHex(treeRoot(before))).toBe(rootBefore);
    expect(treeGet(before, 'b')).toEqual(utf8ToBytes('2'));
    expect(treeGet(after, 'b')).toBeNull();
    expect(treeGet(after, 'a')).toEqual(utf8ToBytes('9'));
  });

  it('shrinks to the same tree as if the removed had never been there', () => {
    const [a, b, c] = [keyWith('100'), keyWith('101'), keyWith('11')];
    const three = tree({ [a]: 'x', [b]: 'y', [c]: 'z' });
    const roots = (...keys: string[]): string => bytesToHex(treeRoot(keys.reduce(treeDelete, three)));
    expect(roots(c)).toBe(root({ [a]: 'x', [b]: 'y' }));
    expect(roots(b)).toBe(root({ [a]: 'x', [c]: 'z' }));
    expect(roots(b, c)).toBe(root({ [a]: 'x' }));
    expect(roots(a, b)).toBe(root({ [c]: 'z' }));
    expect(roots(a, b, c)).toBe(root({}));
  });

  it('is the same tree after removing what is not there', () => {
    const given = tree({ a: '1', b: '2' });
    expect(treeDelete(given, 'c')).toBe(given);
    expect(treeDelete(emptyTree, 'c')).toBeNull();
  });

  it('lists its entries', () => {
    const entries = { a: '1', b: '2', c: '3' };
    const listed = [...treeEntries(tree(entries))].map(([key, value]) => [
      key,
      Buffer.from(value).toString(),
    ]);
    expect(Object.fromEntries(listed)).toEqual(entries);
    expect(listed.length).toBe(3);
  });

  it('remembers a bounded number of paths, however many keys are looked up', () => {
    const used = (): number => {
      collectGarbage();
      return process.memoryUsage().heapUsed;
    };
    const given = tree({ a: '1', b: '2' });
    const before = used();
    const lookedUp = 300_000;
    for (let i = 0; i < lookedUp; i += 1) treeGet(given, `no such key, and a long one too ${i}`);
    // All of them would be 60 MB or more.
    expect((used() - before) / lookedUp).toBeLessThan(100);
    expect(treeGet(given, 'a')).toEqual(utf8ToBytes('1'));
  });
});
