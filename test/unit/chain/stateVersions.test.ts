import { describe, expect, it } from 'vitest';
import {
  applyChanges,
  emptyTree,
  type StateTree,
  StateVersions,
  treeRoot,
  VERSION_WRITES_MAX,
  VERSIONS_MAX,
} from '../../../chain/index.js';
import { bytesToHex, utf8ToBytes } from '../../../crypto/index.js';

const next = (tree: StateTree, height: number): StateTree =>
  applyChanges(tree, new Map([[`key ${height % 7}`, utf8ToBytes(`value ${height}`)]]));

/** Adds the heights behind the head, one write each said to be `writes`; gives the roots by height. */
function grow(versions: StateVersions, to: number, writes: number): Map<number, string> {
  const roots = new Map<number, string>();
  while (versions.held.last < to) {
    const height = versions.held.last + 1;
    const tree = next(versions.head, height);
    versions.add({ height, tree, writes });
    roots.set(height, bytesToHex(treeRoot(tree)));
  }
  return roots;
}

describe('the states that are kept', () => {
  it('begin with one, and nothing before it', () => {
    const tree = next(emptyTree, 40);
    const versions = new StateVersions({ height: 40, tree });
    expect(versions.held).toEqual({ first: 40, last: 40 });
    expect(versions.at(40)).toBe(tree);
    expect(versions.head).toBe(tree);
    expect([versions.at(39), versions.at(41)]).toEqual([undefined, undefined]);
  });

  it('tell the empty state from none', () => {
    const versions = new StateVersions({ height: 0, tree: emptyTree });
    expect(versions.at(0)).toBeNull();
    expect(versions.at(1)).toBeUndefined();
  });

  it('are those of the newest heights, each as it was, and at most VERSIONS_MAX', () => {
    const versions = new StateVersions({ height: 0, tree: emptyTree });
    const roots = grow(versions, VERSIONS_MAX - 1, 1);
    expect(versions.held).toEqual({ first: 0, last: VERSIONS_MAX - 1 });
    for (const [height, root] of grow(versions, 3 * VERSIONS_MAX, 1)) roots.set(height, root);
    const first = 2 * VERSIONS_MAX + 1;
    expect(versions.held).toEqual({ first, last: 3 * VERSIONS_MAX });
    expect(versions.at(first - 1)).toBeUndefined();
    for (let height = first; height <= versions.held.last; height += 1) {
      expect(bytesToHex(treeRoot(versions.at(height)!))).toBe(roots.get(height));
    }
    expect(versions.head).toBe(versions.at(3 * VERSIONS_MAX));
  });

  it('are fewer when their blocks wrote much, and the head is always among them', () => {
    const each = VERSION_WRITES_MAX / 4;
    const versions = new StateVersions({ height: 0, tree: emptyTree });
    grow(versions, 100, each);
    // The writes of the oldest are not counted: it is what the others differ from.
    expect(versions.held).toEqual({ first: 96, last: 100 });
    versions.add({ height: 101, tree: next(versions.head, 101), writes: 10 * VERSION_WRITES_MAX });
    expect(versions.held).toEqual({ first: 101, last: 101 });
    grow(versions, 110, 1);
    expect(versions.held).toEqual({ first: 101, last: 110 });
  });

  it('come one after another', () => {
    const versions = new StateVersions({ height: 5, tree: emptyTree });
    for (const height of [4, 5, 7]) {
      expect(() => versions.add({ height, tree: emptyTree, writes: 0 })).toThrow('the height after the head');
    }
  });

  it('are let go: nothing keeps a tree that is not held', async () => {
    const versions = new StateVersions({ height: 0, tree: next(emptyTree, 0) });
    const oldest = new WeakRef(versions.head!);
    grow(versions, 2 * VERSIONS_MAX, 1);
    const { setFlagsFromString } = await import('node:v8');
    const { runInNewContext } = await import('node:vm');
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    // A reference that was looked at lives to the end of the turn.
    for (let turn = 0; turn < 20 && oldest.deref() !== undefined; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      collect();
    }
    expect(oldest.deref()).toBeUndefined();
  });
});
