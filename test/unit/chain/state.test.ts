import { describe, expect, it } from 'vitest';
import {
  applyChanges,
  cell,
  createDraft,
  DecodeError,
  emptyTree,
  mergeDraft,
  readState,
  treeEntries,
  treeSet,
  uint,
} from '../../../chain/index.js';
import { utf8ToBytes } from '../../../crypto/index.js';

const bytes = utf8ToBytes;
const below = treeSet(treeSet(emptyTree, 'a', bytes('1')), 'b', bytes('2'));

describe('a draft', () => {
  it('shows its own writes and removals above what is below, which stays', () => {
    const draft = createDraft(readState(below));
    draft.set('a', bytes('9'));
    draft.remove('b');
    draft.set('c', bytes('3'));
    expect([draft.get('a'), draft.get('b'), draft.get('c'), draft.get('d')]).toEqual([
      bytes('9'),
      null,
      bytes('3'),
      null,
    ]);
    expect(readState(below).get('a')).toEqual(bytes('1'));
    expect(readState(below).get('b')).toEqual(bytes('2'));
  });

  it('on a draft changes nothing until it is merged', () => {
    const draft = createDraft(readState(below));
    draft.set('a', bytes('9'));
    const attempt = createDraft(draft);
    attempt.remove('a');
    attempt.set('b', bytes('8'));
    expect(draft.get('a')).toEqual(bytes('9'));
    expect(draft.get('b')).toEqual(bytes('2'));
    mergeDraft(attempt, draft);
    expect(draft.get('a')).toBeNull();
    expect(draft.get('b')).toEqual(bytes('8'));
  });

  it('set again after a removal is there again', () => {
    const draft = createDraft(readState(below));
    draft.remove('a');
    draft.set('a', bytes('7'));
    expect([...applyTo(draft)]).toContainEqual(['a', bytes('7')]);
  });

  it('applies to the tree what it says', () => {
    const draft = createDraft(readState(below));
    draft.remove('a');
    draft.remove('never there');
    draft.set('c', bytes('3'));
    expect(new Map(applyTo(draft))).toEqual(
      new Map([
        ['b', bytes('2')],
        ['c', bytes('3')],
      ]),
    );
  });

  function applyTo(draft: ReturnType<typeof createDraft>): Iterable<readonly [string, Uint8Array]> {
    return treeEntries(applyChanges(below, draft.changes));
  }
});

describe('a cell', () => {
  const one = cell('room/one', uint);

  it('keeps typed values by ids', () => {
    const draft = createDraft(readState(emptyTree));
    one.set(draft, 5, 'x', 7);
    expect(draft.changes.has('room/one/x/7')).toBe(true);
    expect(one.get(draft, 'x', 7)).toBe(5);
    expect(one.get(draft, 'x', 8)).toBeNull();
    expect(one.get(draft, 'x')).toBeNull();
    one.remove(draft, 'x', 7);
    expect(one.get(draft, 'x', 7)).toBeNull();
  });

  it('keeps ids apart whatever text a sender puts in them', () => {
    const lists = [
      ['a', 'b'],
      ['a/b'],
      ['a%2Fb'],
      ['a%252Fb'],
      ['a', '', 'b'],
      ['', 'a/b'],
      ['a/', 'b'],
      ['a%', '2Fb'],
      [],
      [''],
    ];
    expect(new Set(lists.map((ids) => one.key(...ids))).size).toBe(lists.length);
    expect(one.key('deadbeef', 3)).toBe('room/one/deadbeef/3');
  });

  it('throws on a value that is not its own', () => {
    const draft = createDraft(readState(emptyTree));
    draft.set('room/one/x', Uint8Array.of(0x61));
    expect(() => one.get(draft, 'x')).toThrow(DecodeError);
  });
});
