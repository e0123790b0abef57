import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  blockHash,
  decodeBlock,
  decodeCertificate,
  encodeBlock,
  payloadId,
  transactionHash,
  treeEntries,
  treeRoot,
  uint,
} from '../../../../chain/index.js';
import { bytesToHex, drbg, sha256, utf8ToBytes } from '../../../../crypto/index.js';
import { batchesOf, openDatabase, read } from '../../../../node/store/database.js';
import { decodeSmall, key } from '../../../../node/store/entries.js';
import { type Commit, openStore, type Store } from '../../../../node/store/index.js';
import { chainId, genesisParent, genesisState, makeNext, type Parent } from '../../../support/notesChain.js';
import { copyJournal, copyStore } from '../../../support/storeCopy.js';

let folder: string;
let opened: Store[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-'));
  opened = [];
});

afterEach(async () => {
  for (const store of opened) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function open(options: { create?: boolean; chainId?: Uint8Array; path?: string } = {}): Promise<Store> {
  const path = options.path ?? join(folder, 'chain');
  const store = await openStore({ path, chainId, genesisState: genesisState(), create: true, ...options });
  opened.push(store);
  return store;
}

/** Commits `count` blocks; returns them. */
async function grow(store: Store, count: number, from: Parent = genesisParent()): Promise<Commit[]> {
  const commits: Commit[] = [];
  let parent = from;
  for (let i = 0; i < count; i += 1) {
    const { commit, next } = makeNext(parent);
    await store.commit(commit);
    commits.push(commit);
    parent = next;
  }
  return commits;
}

/** All entries of a folder's database but those that count and mark its writes. */
async function contents(path: string) {
  const database = await openDatabase(path, false);
  const entries: [string, string][] = [];
  for await (const batch of batchesOf(database, { gte: '', lt: '~' })) {
    for (const [name, value] of batch)
      if (name !== key.writes && name !== key.journal) entries.push([name, bytesToHex(value)]);
  }
  const writes = decodeSmall(uint, read(database, key.writes)!);
  await database.close();
  return { entries, writes };
}

describe('a new store', () => {
  it('begins at height 0 with the genesis state and the chain id as hash', async () => {
    const store = await open();
    expect(store.head).toEqual({ height: 0, hash: chainId });
    expect([...treeEntries(store.state())]).toEqual([...treeEntries(genesisState())]);
    expect(store.block(0)).toBeNull();
    expect(store.block(1)).toBeNull();
    expect(store.blockBytes(1)).toBeNull();
  });

  it('opens again at height 0', async () => {
    await (await open()).close();
    const store = await open({ create: false });
    expect(store.head.height).toBe(0);
    expect(treeRoot(store.state())).toEqual(treeRoot(genesisState()));
  });

  it('is not made unless asked for, and leaves no folder behind', async () => {
    await expect(open({ create: false })).rejects.toMatchObject({ code: 'not-found' });
    await expect(open({ create: false })).rejects.toMatchObject({ code: 'not-found' });
    expect((await open()).head.height).toBe(0);
  });

  it('makes the folders above it', async () => {
    expect((await open({ path: join(folder, 'a', 'b', 'c') })).head.height).toBe(0);
  });
});

describe('commit', () => {
  it('keeps block, certificate, receipts, indices, state and payloads, also when opened again', async () => {
    const first = await open();
    const commits = await grow(first, 8);
    await first.close();
    const store = await open({ create: false });
    expect(store.head).toEqual({ height: 8, hash: commits[7]!.hash });
    expect(treeRoot(store.state())).toEqual(commits[7]!.block.header.stateRoot);
    for (const commit of commits) {
      const { height } = commit.block.header;
      const { block, hash, certificate, receipts } = commit;
      expect(store.block(height)).toEqual({ block, hash, certificate, receipts });
      expect(store.heightOf(hash)).toBe(height);
      commit.block.transactions.forEach((transaction, index) => {
        expect(store.transaction(transactionHash(transaction))).toEqual({ height, index });
      });
      for (const [id, bytes] of commit.payloads) {
        const key = Uint8Array.from(Buffer.from(id, 'hex'));
        expect(store.hasPayload(key)).toBe(true);
        expect(bytesToHex(store.payload(key)!)).toBe(bytesToHex(bytes));
      }
      expect(commit.payloads.size).toBe(3);
    }
  });

  it('keeps the states of the newest heights, each as its header names it; opened again, that of the head', async () => {
    const first = await open();
    const genesis = first.state();
    const commits = await grow(first, 8);
    expect(first.versions.held).toEqual({ first: 0, last: 8 });
    expect(first.versions.at(0)).toBe(genesis);
    for (const { block } of commits) {
      const tree = first.versions.at(block.header.height);
      expect(treeRoot(tree!)).toEqual(block.header.stateRoot);
    }
    expect(first.versions.at(8)).toBe(first.state());
    await first.close();
    const store = await open({ create: false });
    expect(store.versions.held).toEqual({ first: 8, last: 8 });
    expect(store.versions.at(8)).toBe(store.state());
  });

  it('takes several heights in one write, and has then what it has when they come one by one', async () => {
    const one = await open();
    const commits = await grow(one, 8);
    const many = await open({ path: join(folder, 'many') });
    await many.commit(...commits.slice(0, 2));
    await many.commit(...commits.slice(2));
    expect(many.head).toEqual(one.head);
    expect(many.versions.held).toEqual({ first: 0, last: 8 });
    for (const { block } of commits) {
      const { height, stateRoot } = block.header;
      expect(treeRoot(many.versions.at(height)!)).toEqual(stateRoot);
      expect(many.block(height)).toEqual(one.block(height));
    }
    await one.close();
    await many.close();
    const [slow, quick] = [await contents(join(folder, 'chain')), await contents(join(folder, 'many'))];
    expect(quick.writes).toBeLessThan(slow.writes);
    expect(quick.entries).toEqual(slow.entries);
    expect((await open({ path: join(folder, 'many') })).head).toEqual(one.head);
  });

  it('has all of several heights or none, wherever a crash cuts their write', async () => {
    const path = join(folder, 'chain');
    const store = await open();
    const commits: Commit[] = [];
    for (let parent = genesisParent(), i = 0; i < 4; i += 1) {
      const { commit, next } = makeNext(parent);
      commits.push(commit);
      parent = next;
    }
    await store.commit(commits[0]!);
    const logOf = (at: string) => join(at, readdirSync(at).find((name) => name.endsWith('.log'))!);
    const [begin, before] = [statSync(logOf(path)).size, join(folder, 'before')];
    copyStore(path, before);
    await store.commit(...commits.slice(1));
    const end = statSync(logOf(path)).size;
    const step = Math.ceil((end - begin) / 12);
    for (let size = begin; size < end + step; size += step) {
      const cut = join(folder, `cut-${size}`);
      copyStore(path, cut);
      // What the journal noted of the commit it noted behind it.
      copyJournal(before, cut);
      truncateSync(logOf(cut), Math.min(size, end));
      expect((await open({ path: cut })).head.height).toBe(size < end ? 1 : 4);
    }
  });

  it('writes nothing of several heights when one of them does not follow', async () => {
    const store = await open();
    const first = makeNext(genesisParent());
    const [second, other] = [makeNext(first.next), makeNext(genesisParent(), 1)];
    for (const run of [
      [first.commit, other.commit],
      [first.commit, second.commit, second.commit],
    ]) {
      await expect(store.commit(...run)).rejects.toMatchObject({ code: 'ERR_ASSERTION' });
      expect(store.head.height).toBe(0);
    }
    await store.commit(first.commit, second.commit);
    expect(store.head.height).toBe(2);
  });

  it('hands out the bytes of block and certificate as they are', async () => {
    const store = await open();
    const [commit] = await grow(store, 1);
    const raw = store.blockBytes(1)!;
    expect(bytesToHex(raw.block)).toBe(bytesToHex(encodeBlock(commit!.block)));
    expect(decodeBlock(raw.block)).toEqual(commit!.block);
    expect(decodeCertificate(raw.certificate)).toEqual({ ...commit!.certificate, chainId });
  });

  it('knows nothing of hashes that it was not given', async () => {
    const store = await open();
    await grow(store, 2);
    const stranger = sha256(utf8ToBytes('stranger'));
    expect(store.heightOf(stranger)).toBeNull();
    expect(store.transaction(stranger)).toBeNull();
    expect(store.hasPayload(stranger)).toBe(false);
    expect(store.payload(stranger)).toBeNull();
    expect(store.block(3)).toBeNull();
  });

  const misfits: [string, (commit: Commit, second: Commit) => Commit][] = [
    ['skips a height', (_, second) => second],
    ['has another hash', (commit) => ({ ...commit, hash: sha256(commit.hash) })],
    [
      'has a parent that is not the head',
      (commit) => withHeader(commit, { parent: sha256(utf8ToBytes('other')) }),
    ],
    ['is of another chain', (commit) => withHeader(commit, { chainId: sha256(chainId) })],
    ['has another body', (commit) => ({ ...commit, block: { ...commit.block, transactions: [] } })],
    ['has another receipts root', (commit) => ({ ...commit, receiptsRoot: sha256(commit.receiptsRoot) })],
    ['has other receipts', (commit) => ({ ...commit, receipts: commit.receipts.slice(1) })],
    ['has the receipts of another block', (commit, second) => ({ ...commit, receipts: second.receipts })],
    ['has a state that is not of its header', (commit) => ({ ...commit, state: genesisState() })],
    [
      'has a change that is not in its state',
      (commit) => ({ ...commit, changes: new Map([...commit.changes, ['notes/other', Uint8Array.of(1)]]) }),
    ],
    [
      'has the certificate of another block',
      (commit, second) => ({ ...commit, certificate: second.certificate }),
    ],
  ];

  it.each(misfits)('asserts, and writes nothing, when a block %s', async (_, spoil) => {
    const store = await open();
    const first = makeNext(genesisParent());
    const second = makeNext(first.next);
    await expect(store.commit(spoil(first.commit, second.commit))).rejects.toMatchObject({
      code: 'ERR_ASSERTION',
    });
    expect(store.head.height).toBe(0);
    await store.commit(first.commit);
    await store.close();
    expect((await open()).head.height).toBe(1);
  });

  it('takes two commits handed in at once in their order', async () => {
    const store = await open();
    const first = makeNext(genesisParent());
    const second = makeNext(first.next);
    await Promise.all([store.commit(first.commit), store.commit(second.commit)]);
    expect(store.head).toEqual({ height: 2, hash: second.commit.hash });
  });
});

describe('payloads', () => {
  it('keeps bytes under their id, across chunks and openings', async () => {
    const bytes = drbg(utf8ToBytes('payload'))(200_000);
    const id = payloadId(bytes);
    const first = await open();
    expect(first.hasPayload(id)).toBe(false);
    await first.putPayload(id, bytes);
    await first.close();
    const store = await open();
    expect(store.hasPayload(id)).toBe(true);
    expect(Buffer.compare(store.payload(id)!, bytes)).toBe(0);
  });

  it('refuses bytes that have another id', async () => {
    const store = await open();
    const id = payloadId(Uint8Array.of(1));
    await expect(store.putPayload(id, Uint8Array.of(2))).rejects.toMatchObject({ code: 'wrong-payload' });
    await expect(store.putPayload(id, new Uint8Array(0))).rejects.toMatchObject({ code: 'wrong-payload' });
    expect(store.hasPayload(id)).toBe(false);
  });
});

describe('records', () => {
  const value = (text: string): Uint8Array => utf8ToBytes(text);
  const texts = (store: Store, height: number): [string, string][] =>
    store.records(height).map(({ key, value: bytes }) => [key, Buffer.from(bytes).toString()]);

  it('come back sorted by key after opening again; a key written twice has its last value', async () => {
    const first = await open();
    await first.putRecords(1, [
      { key: 'vote/1/soft', value: value('c') },
      { key: 'vote/0/soft', value: value('a') },
    ]);
    await first.putRecords(1, [{ key: 'vote/0/soft', value: value('b') }]);
    const expected = [
      ['vote/0/soft', 'b'],
      ['vote/1/soft', 'c'],
    ];
    expect(texts(first, 1)).toEqual(expected);
    await first.close();
    const store = await open();
    expect(texts(store, 1)).toEqual(expected);
    expect(store.records(2)).toEqual([]);
  });

  it('go with the commit of their height, and those of decided heights are not taken', async () => {
    const store = await open();
    await store.putRecords(1, [{ key: 'vote/0/soft', value: value('a') }]);
    await grow(store, 1);
    expect(store.records(1)).toEqual([]);
    await store.putRecords(1, [{ key: 'late', value: value('l') }]);
    expect(store.records(1)).toEqual([]);
    await store.putRecords(2, [{ key: 'vote/0/soft', value: value('b') }]);
    await store.close();
    const again = await open();
    expect(again.records(1)).toEqual([]);
    expect(texts(again, 2)).toEqual([['vote/0/soft', 'b']]);
    await expect(again.putRecords(4, [{ key: 'early', value: value('e') }])).rejects.toMatchObject({
      code: 'ERR_ASSERTION',
    });
  });

  it('are not changed by what the caller does with its bytes later', async () => {
    const store = await open();
    const bytes = value('a');
    await store.putRecords(1, [{ key: 'k', value: bytes }]);
    bytes[0] = 0;
    await store.putRecords(1, [{ key: 'l', value: value('m') }]);
    expect(texts(store, 1)[0]).toEqual(['k', 'a']);
    await store.close();
    expect(texts(await open(), 1)[0]).toEqual(['k', 'a']);
  });

  it('written at once all arrive', async () => {
    const store = await open();
    const names = Array.from({ length: 50 }, (_, i) => `vote/${i}`);
    await Promise.all(names.map((key) => store.putRecords(1, [{ key, value: value(key) }])));
    await store.close();
    expect(texts(await open(), 1).map(([key]) => key)).toEqual([...names].sort());
  });
});

describe('the folder', () => {
  it('belongs to one process at a time', async () => {
    await open();
    await expect(open()).rejects.toMatchObject({ code: 'locked' });
  });

  it('belongs to one chain', async () => {
    const store = await open();
    await grow(store, 1);
    await store.close();
    await expect(open({ chainId: sha256(chainId) })).rejects.toMatchObject({ code: 'another-chain' });
    expect((await open()).head.height).toBe(1);
  });

  it('can be opened again after a failure to open', async () => {
    await (await open()).close();
    await expect(open({ chainId: sha256(chainId) })).rejects.toMatchObject({ code: 'another-chain' });
    expect((await open()).head.height).toBe(0);
  });

  it('says so when the store is closed', async () => {
    const store = await open();
    await store.close();
    expect(() => store.block(1)).toThrow(expect.objectContaining({ code: 'closed' }));
    await expect(store.putRecords(1, [])).rejects.toMatchObject({ code: 'closed' });
  });
});

/** The commit with another header, and with the hash and certificate of that one. */
function withHeader(commit: Commit, fields: Partial<Commit['block']['header']>): Commit {
  const header = { ...commit.block.header, ...fields };
  const hash = blockHash(header);
  return {
    ...commit,
    block: { ...commit.block, header },
    hash,
    certificate: { ...commit.certificate, hash },
  };
}
