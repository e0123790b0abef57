import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyChanges,
  assembleState,
  cutChunk,
  decode,
  emptyTree,
  encode,
  type StateChunk,
  type StatePart,
  type StateRange,
  type StateTree,
  stateChunkCodec,
  treeEntries,
  treeRoot,
  verifyChunk,
  wholeState,
} from '../../chain/index.js';
import { utf8ToBytes } from '../../crypto/index.js';

const treeOf = (size: number, salt: number): StateTree =>
  applyChanges(
    emptyTree,
    new Map(
      Array.from({ length: size }, (_, i) => [`${salt}/key ${i}`, utf8ToBytes(`value ${i}`.repeat(i % 7))]),
    ),
  );

/** Every range that a walk through the state meets, with its honest chunk. */
function walk(tree: StateTree, bytesMax: number): { range: StateRange; chunk: StateChunk }[] {
  const met: { range: StateRange; chunk: StateChunk }[] = [];
  const open = [wholeState(treeRoot(tree))];
  for (let range = open.pop(); range !== undefined; range = open.pop()) {
    const chunk = cutChunk(tree, range, bytesMax)!;
    met.push({ range, chunk });
    const checked = verifyChunk(range, chunk);
    if (!checked.ok) throw new Error(`an honest chunk is refused: ${checked.reason}`);
    open.push(...checked.rest);
  }
  return met;
}

const given = fc.record({
  size: fc.integer({ min: 0, max: 120 }),
  salt: fc.nat(1_000),
  bytesMax: fc.integer({ min: 1, max: 4_000 }),
});

describe('chunks of a state', () => {
  it('hold every entry once, and make the state again whatever their order', () => {
    fc.assert(
      fc.property(given, fc.nat(), ({ size, salt, bytesMax }, turn) => {
        const tree = treeOf(size, salt);
        const met = walk(tree, bytesMax);
        const entries = met.flatMap(({ chunk }) => chunk.entries.map(({ key, value }) => [key, value]));
        const byKey = (a: unknown[], b: unknown[]) => (String(a[0]) < String(b[0]) ? -1 : 1);
        expect(entries.sort(byKey)).toEqual([...treeEntries(tree)].map((entry) => [...entry]).sort(byKey));
        const parts = met.map(({ range, chunk }): StatePart => {
          const checked = verifyChunk(range, chunk);
          return checked.ok ? checked.part : { path: range.path, depth: 0, tree: null };
        });
        const at = turn % parts.length;
        const again = assembleState([...parts.slice(at), ...parts.slice(0, at)]);
        expect(treeRoot(again)).toEqual(treeRoot(tree));
        expect([...treeEntries(again)]).toEqual([...treeEntries(tree)]);
      }),
      { numRuns: 200 },
    );
  });

  it('are within their bound, and decode as what was encoded', () => {
    fc.assert(
      fc.property(given, ({ size, salt, bytesMax }) => {
        for (const { chunk } of walk(treeOf(size, salt), bytesMax)) {
          const raw = encode(stateChunkCodec, chunk);
          expect(decode(stateChunkCodec, raw, raw.length)).toEqual(chunk);
          const bytes = raw.length - 36 * chunk.siblings.length - 16;
          expect(chunk.entries.length <= 1 || bytes <= bytesMax).toBe(true);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('are refused when anything is left out, added, altered, moved or cut elsewhere', () => {
    const change = fc.record({ which: fc.nat(), at: fc.nat(), byte: fc.nat(), kind: fc.nat(8) });
    let refused = 0;
    fc.assert(
      fc.property(given, change, ({ size, salt, bytesMax }, { which, at, byte, kind }) => {
        const tree = treeOf(size + 2, salt);
        const met = walk(tree, bytesMax);
        const { range, chunk } = met[which % met.length]!;
        const altered = alter(chunk, met[(which + 1) % met.length]!.chunk, { at, byte, kind });
        if (altered === null) return;
        refused += 1;
        expect(verifyChunk(range, altered).ok).toBe(false);
      }),
      { numRuns: 3_000 },
    );
    expect(refused).toBeGreaterThan(1_500);
  });
});

/** Null: this chunk cannot be altered so. */
function alter(
  { entries, siblings }: StateChunk,
  other: StateChunk,
  { at, byte, kind }: { at: number; byte: number; kind: number },
): StateChunk | null {
  const entry = entries[at % Math.max(1, entries.length)];
  const i = entry === undefined ? 0 : entries.indexOf(entry);
  const without = entries.filter((each) => each !== entry);
  const flip = (bytes: Uint8Array): Uint8Array => {
    const copy = new Uint8Array(bytes);
    copy[byte % copy.length]! ^= 1 << (byte % 8);
    return copy;
  };
  switch (kind) {
    case 0:
      return entry === undefined ? null : { entries: without, siblings };
    case 1: // An entry of a state that never was, in every place.
      return {
        entries: [
          ...entries.slice(0, i),
          { key: `made up ${at}`, value: flip(Uint8Array.of(1)) },
          ...entries.slice(i),
        ],
        siblings,
      };
    case 2:
      if (entry === undefined) return null;
      return {
        entries: entries.with(i, {
          key: entry.key,
          value: entry.value.length > 0 ? flip(entry.value) : Uint8Array.of(1),
        }),
        siblings,
      };
    case 3:
      return entry === undefined
        ? null
        : { entries: entries.with(i, { ...entry, key: `${entry.key}x` }), siblings };
    case 4: // Twice, and in another order.
      return entry === undefined ? null : { entries: [...entries, entry], siblings };
    case 5:
      return entries.length < 2 ? null : { entries: [...entries].reverse(), siblings };
    case 6:
      return siblings.length === 0
        ? null
        : { entries, siblings: siblings.with(at % siblings.length, flip(siblings[at % siblings.length]!)) };
    case 7: // Fewer siblings: the rest of the range would never be asked for.
      return siblings.length === 0 ? null : { entries, siblings: siblings.slice(0, -1) };
    default: // The chunk of another range.
      return other.entries.length + other.siblings.length === 0 || same(other, { entries, siblings })
        ? null
        : other;
  }
}

function same(a: StateChunk, b: StateChunk): boolean {
  return Buffer.compare(encode(stateChunkCodec, a), encode(stateChunkCodec, b)) === 0;
}
