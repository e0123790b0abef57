import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { payloadId } from '../../../../chain/index.js';
import { utf8ToBytes } from '../../../../crypto/index.js';
import { backupPlace, databaseBytes, openStore, type Store } from '../../../../node/store/index.js';
import { chainId, genesisParent, genesisState, makeNext, type Parent } from '../../../support/notesChain.js';

let folder: string;
let path: string;
let opened: Store[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-backup-'));
  path = join(folder, 'chain');
  opened = [];
});

afterEach(async () => {
  for (const store of opened) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(at: string, create = false): Promise<Store> {
  const store = await openStore({ path: at, chainId, genesisState: genesisState(), create });
  opened.push(store);
  return store;
}

function payloadOf(hash: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.alloc(1_000_000, hash));
}

/** Commits and puts payloads that fill LevelDB's memory, so that tables are written and compacted meanwhile. */
async function grow(store: Store, from: Parent, count: number): Promise<Parent> {
  let parent = from;
  for (let i = 0; i < count; i += 1) {
    const { commit, next } = makeNext(parent);
    const payload = payloadOf(commit.hash);
    await store.putPayload(payloadId(payload), payload);
    await store.commit(commit);
    parent = next;
  }
  return parent;
}

describe('a backup of a folder that goes on being written', () => {
  it('opens with the chain up to where it was taken, and nothing that came later', async () => {
    const store = await open(path, true);
    const growing = grow(store, genesisParent(), 30);
    let done = false;
    void growing.finally(() => {
      done = true;
    });
    let taken = 0;
    let lastHeight = 0;
    while (!done) {
      const before = store.head.height;
      await store.backup();
      const after = store.head.height;
      const kept = join(folder, `kept-${taken}`);
      cpSync(backupPlace(path), kept, { recursive: true });
      const copy = await open(kept);
      expect(copy.head.height).toBeGreaterThanOrEqual(before);
      expect(copy.head.height).toBeLessThanOrEqual(after + 1);
      for (let height = 1; height <= copy.head.height; height += 1) {
        expect(copy.blockBytes(height)).not.toBeNull();
      }
      lastHeight = copy.head.height;
      await copy.close();
      rmSync(kept, { recursive: true });
      taken += 1;
    }
    await growing;
    expect(taken).toBeGreaterThan(0);
    expect(lastHeight).toBeGreaterThan(0);
    expect(store.head.height).toBe(30);
    expect(readdirSync(path).filter((name) => name.endsWith('.ldb')).length).toBeGreaterThan(0);
  });

  it('shares the tables with it, and is not touched by what happens to it later', async () => {
    const store = await open(path, true);
    const parent = await grow(store, genesisParent(), 12);
    const { height, hash } = await store.backup();
    const tables = readdirSync(backupPlace(path)).filter((name) => name.endsWith('.ldb'));
    expect(tables.length).toBeGreaterThan(0);
    expect(statSync(join(backupPlace(path), tables[0]!)).nlink).toBe(2);
    await grow(store, parent, 8);
    await store.compact();
    await store.close();
    rmSync(path, { recursive: true });
    const copy = await open(backupPlace(path));
    expect(copy.head).toEqual({ height, hash });
    for (let at = 1; at <= height; at += 1) {
      expect(copy.hasPayload(payloadId(payloadOf(copy.block(at)!.hash)))).toBe(true);
    }
    await grow(copy, { ...copy.head, state: copy.state() }, 1);
    expect(copy.head.height).toBe(height + 1);
  });

  it('holds no vote of the node, and lets none be cast', async () => {
    const store = await open(path, true);
    await grow(store, genesisParent(), 3);
    await store.putRecords(4, [{ key: 'vote/0/soft/x', value: utf8ToBytes('soft 4') }]);
    await store.backup();
    const copy = await open(backupPlace(path));
    expect(copy.records(4)).toEqual([]);
    expect(copy.abstention).toEqual({ through: null });
    expect(copy.mayVote(4)).toBe(false);
    expect(store.abstention).toBeNull();
    expect(store.records(4)).toHaveLength(1);
  });

  it('that misses a file, or the last commit, is refused when it is opened', async () => {
    const store = await open(path, true);
    const parent = await grow(store, genesisParent(), 8);
    await store.close();
    const again = await open(path);
    await again.backup();
    const whole = backupPlace(path);
    const table = readdirSync(whole).find((name) => name.endsWith('.ldb'))!;
    rmSync(join(whole, table));
    await expect(open(whole)).rejects.toMatchObject({ code: 'damaged' });
    await grow(again, parent, 1);
    await again.backup();
    const log = readdirSync(whole).find((name) => name.endsWith('.log'))!;
    rmSync(join(whole, log));
    await expect(open(whole)).rejects.toMatchObject({ code: 'damaged' });
  });

  it('takes the place of one that was cut short', async () => {
    const store = await open(path, true);
    await grow(store, genesisParent(), 2);
    await store.backup();
    await grow(store, { ...store.head, state: store.state() }, 1);
    await store.backup();
    expect((await open(backupPlace(path))).head.height).toBe(3);
  });

  it('is not made of a closed store', async () => {
    const store = await open(path, true);
    await store.close();
    await expect(store.backup()).rejects.toMatchObject({ code: 'closed' });
    expect(existsSync(backupPlace(path))).toBe(false);
  });
});

describe('compacting', () => {
  it('makes the folder smaller and changes nothing else', async () => {
    const store = await open(path, true);
    let parent = genesisParent();
    for (let i = 0; i < 60; i += 1) {
      const { commit, next } = makeNext(parent, 1);
      await store.commit(commit);
      parent = next;
    }
    await store.close();
    const before = databaseBytes(path);
    const again = await open(path);
    await again.compact();
    await again.close();
    expect(databaseBytes(path)).toBeLessThan(before);
    const last = await open(path);
    expect(last.head).toEqual({ height: 60, hash: parent.hash });
    expect(last.block(1)).not.toBeNull();
  });
});
