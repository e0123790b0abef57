import { describe, expect, it } from 'vitest';
import {
  applyChanges,
  CHUNK_ANSWER_BYTES_MAX,
  cutChunk,
  emptyTree,
  encode,
  limits,
  type StateChunk,
  stateChunkCodec,
  treeEntries,
  treeRoot,
  verifyChunk,
  wholeState,
} from '../../../chain/index.js';
import { utf8ToBytes } from '../../../crypto/index.js';

const tree = applyChanges(
  emptyTree,
  new Map(Array.from({ length: 40 }, (_, i) => [`key ${i}`, utf8ToBytes(`value ${i}`)])),
);
const whole = wholeState(treeRoot(tree));
const chunk = cutChunk(tree, whole, 400)!;
const reasonOf = (altered: StateChunk): string => {
  const checked = verifyChunk(whole, altered);
  return checked.ok ? 'ok' : checked.reason;
};

describe('a chunk of the state', () => {
  it('is the whole state if that fits, and has no siblings then', () => {
    const all = cutChunk(tree, whole)!;
    expect(all.siblings).toEqual([]);
    expect(all.entries.map(({ key }) => key)).toEqual([...treeEntries(tree)].map(([key]) => key));
    expect(verifyChunk(whole, all)).toMatchObject({ ok: true, rest: [] });
  });

  it('of an empty state is empty', () => {
    const none = wholeState(treeRoot(emptyTree));
    expect(cutChunk(emptyTree, none)).toEqual({ entries: [], siblings: [] });
    expect(verifyChunk(none, { entries: [], siblings: [] })).toMatchObject({ ok: true, rest: [] });
  });

  it('names what remains: ranges side by side that make up the rest', () => {
    const checked = verifyChunk(whole, chunk);
    expect(chunk.siblings.length).toBeGreaterThan(1);
    expect(checked).toMatchObject({ ok: true });
    const { rest } = checked as Extract<typeof checked, { ok: true }>;
    const share = rest.reduce((sum, { depth }) => sum + 2 ** -depth, 2 ** -chunk.siblings.length);
    expect(share).toBe(1);
  });

  it('is refused with the reason', () => {
    const { entries, siblings } = chunk;
    const [first, second] = [entries[0]!, entries[1]!];
    expect(entries.length).toBeGreaterThan(1);
    expect(reasonOf({ entries: entries.slice(1), siblings })).toBe('wrong-hash');
    expect(reasonOf({ entries: [second, first, ...entries.slice(2)], siblings })).toBe('not-in-order');
    expect(reasonOf({ entries: [first, ...entries], siblings })).toBe('not-in-order');
    const right = cutChunk(tree, { path: Uint8Array.of(0x80, ...new Uint8Array(31)), depth: 1 }, 1)!;
    expect(reasonOf({ entries: [...entries, right.entries.at(-1)!], siblings })).toBe('outside');
    expect(reasonOf({ entries: [], siblings: Array(257).fill(first.value) })).toBe('too-deep');
  });

  it('is of another state where the tree has nothing', () => {
    const leaf = applyChanges(emptyTree, new Map([['alone', Uint8Array.of(1)]]));
    expect(cutChunk(leaf, { path: new Uint8Array(32), depth: 1 })).toBeNull();
    expect(cutChunk(emptyTree, { path: new Uint8Array(32), depth: 1 })).toBeNull();
  });

  it('fits its answer with the largest value that a state can hold', () => {
    const value = new Uint8Array(limits.stateValueBytesMax);
    const large = applyChanges(emptyTree, new Map([...treeEntries(tree), ['large', value]]));
    const open = [wholeState(treeRoot(large))];
    for (let range = open.pop(); range !== undefined; range = open.pop()) {
      const cut = cutChunk(large, range)!;
      expect(encode(stateChunkCodec, cut).length).toBeLessThanOrEqual(CHUNK_ANSWER_BYTES_MAX);
      const checked = verifyChunk(range, cut);
      expect(checked.ok).toBe(true);
      if (checked.ok) open.push(...checked.rest);
    }
  });
});
