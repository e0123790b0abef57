import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { payloadId, treeEntries, treeRoot } from '../../../../chain/index.js';
import { bytesToHex, utf8ToBytes } from '../../../../crypto/index.js';
import {
  type Base,
  beginBaseFolder,
  belowBase,
  certifiedAt,
  heightIn,
  openStore,
  type Store,
  settleJoin,
} from '../../../../node/store/index.js';
import { chainId, genesisParent, genesisState, makeNext, type Parent } from '../../../support/notesChain.js';
import { withRaw } from '../../../support/storeCopy.js';

const BASE = 7;
const payload = utf8ToBytes('a payload that an open round needs');
let folder: string;
let base: Base;
let parent: Parent;
let copies = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-base-'));
  parent = genesisParent();
  let made = makeNext(parent);
  for (let height = 1; height <= BASE; height += 1) {
    made = makeNext(parent);
    parent = made.next;
  }
  const { block, hash, certificate } = made.commit;
  const payloads = [{ id: payloadId(payload), size: payload.length }];
  base = { header: block.header, hash, certificate, parentSeed: utf8ToBytes('p'.repeat(32)), payloads };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fresh = (): string => join(folder, `chain-${++copies}`);
const open = (path: string, create = false): Promise<Store> =>
  openStore({ path, chainId, genesisState: genesisState(), create });

async function build(path: string): Promise<void> {
  const built = await beginBaseFolder(path, chainId, null);
  await built.putState(treeEntries(parent.state));
  await built.putPayload(base.payloads[0]!.id, payload);
  await built.finish(base, base.payloads);
}

/** A folder with a base and some heights on top. */
async function grown(heights = 5): Promise<string> {
  const path = fresh();
  await build(path);
  const store = await open(path);
  let at = parent;
  for (let i = 0; i < heights; i += 1) {
    const { commit, next } = makeNext(at);
    await store.commit(commit);
    at = next;
  }
  await store.close();
  return path;
}

describe('a chain folder that begins at a base', () => {
  it('opens there, goes on, and says of what is below that it has it not', async () => {
    const path = await grown();
    const store = await open(path);
    expect(store.head.height).toBe(BASE + 5);
    expect(store.base?.header.height).toBe(BASE);
    expect(bytesToHex(store.base!.hash)).toBe(bytesToHex(base.hash));
    expect(store.block(BASE + 1)).not.toBeNull();
    for (const height of [1, BASE - 1, BASE]) {
      expect(store.block(height)).toBeNull();
      expect(store.blockBytes(height)).toBeNull();
    }
    expect(store.heightOf(base.hash)).toBeNull();
    expect(bytesToHex(certifiedAt(store, BASE)!.header.stateRoot)).toBe(bytesToHex(treeRoot(parent.state)));
    expect(certifiedAt(store, BASE - 1)).toBeNull();
    expect(belowBase(store)).toContain(`height ${BASE}`);
    expect(bytesToHex(store.payload(payloadId(payload))!)).toBe(bytesToHex(payload));
    await store.close();
  });

  it('does not vote before the network has told how far it may have voted', async () => {
    const path = fresh();
    await build(path);
    const store = await open(path);
    expect(store.abstention).toEqual({ through: null });
    expect(store.mayVote(BASE + 1)).toBe(false);
    await store.close();
  });

  it('is backed up, compacted and opened again like any other', async () => {
    const path = await grown();
    const store = await open(path);
    await store.compact();
    await store.backup();
    await store.close();
    const copy = await open(`${path}.backing-up`);
    expect(copy.head.height).toBe(BASE + 5);
    expect(copy.base?.header.height).toBe(BASE);
    await copy.close();
  });

  it.each([
    ['the base itself', 'base', 'damaged at height 1'],
    ['the first height', `height/${`${BASE + 1}`.padStart(16, '0')}`, `damaged at height ${BASE + 1}`],
    ['a payload of an open round', `held/${bytesToHex(payloadId(payload))}`, `damaged at height ${BASE}`],
    ['a value of the state', null, 'damaged at height'],
  ])('is refused without %s', async (_, name, found) => {
    const path = await grown();
    await withRaw(path, async (raw) => {
      const key = name ?? (await raw.keys({ gte: 'state/', limit: 1 }).all())[0]!;
      expect(await raw.get(key)).toBeDefined();
      await raw.del(key);
    });
    await expect(open(path)).rejects.toMatchObject({
      code: 'damaged',
      message: expect.stringContaining(found),
    });
  });

  it.each([0, 40, 100])('is refused with its base altered at byte %i', async (at) => {
    const path = await grown();
    await withRaw(path, async (raw) => {
      const value = new Uint8Array((await raw.get('base'))!);
      value[at]! ^= 1;
      await raw.put('base', value);
    });
    await expect(open(path)).rejects.toMatchObject({
      code: 'damaged',
      message: expect.stringContaining('the base'),
    });
  });

  it.each([
    ['at its base', 0],
    ['with heights on top', 5],
  ])('%s, with an altered chain id, is damaged and not another chain’s', async (_, heights) => {
    const path = await grown(heights);
    await withRaw(path, async (raw) => {
      const value = new Uint8Array((await raw.get('chain'))!);
      value[3]! ^= 1;
      await raw.put('chain', value);
    });
    await expect(open(path)).rejects.toMatchObject({
      code: 'damaged',
      message: expect.stringContaining('the chain id'),
    });
  });

  it('is another chain’s for who expects another, and not damaged', async () => {
    const path = await grown(0);
    const options = { path, chainId: utf8ToBytes('x'.repeat(32)), genesisState: genesisState() };
    await expect(openStore({ ...options, create: false })).rejects.toMatchObject({ code: 'another-chain' });
  });

  it('is refused with another state than its base names, before and after it has grown', async () => {
    const path = fresh();
    const built = await beginBaseFolder(path, chainId, null);
    await built.putState([...treeEntries(parent.state)].slice(1));
    await built.putPayload(base.payloads[0]!.id, payload);
    await built.finish(base, base.payloads);
    await expect(open(path)).rejects.toMatchObject({
      code: 'damaged',
      message: expect.stringContaining('state'),
    });
  });
});

describe('a join that is cut short', () => {
  it('leaves no chain, whatever was written by then', async () => {
    const path = fresh();
    const built = await beginBaseFolder(path, chainId, null);
    await built.putState(treeEntries(parent.state));
    // As kill -9 leaves it: everything but the last batch.
    const left = `${fresh()}.joining`;
    cpSync(`${path}.joining`, left, { recursive: true });
    await built.discard();
    expect(readdirSync(folder).filter((name) => join(folder, name).startsWith(path))).toEqual([]);
    await expect(open(left)).rejects.toMatchObject({ code: 'damaged' });
    const place = left.slice(0, -'.joining'.length);
    expect(await heightIn(place)).toBeNull();
    await settleJoin(place);
    expect(existsSync(left)).toBe(false);
    await build(place);
    expect(await heightIn(place)).toBe(BASE);
  });

  it('brings the former folder back, with what it knows of votes, until the new one is in its place', async () => {
    const path = fresh();
    const former = await open(path, true);
    await former.putRecords(1, [{ key: 'vote/0/soft/x', value: utf8ToBytes('a vote') }]);
    await former.close();
    // Between the two renames.
    renameSync(path, `${path}.before-joining`);
    mkdirSync(`${path}.joining`);
    await settleJoin(path);
    expect(readdirSync(folder).filter((name) => join(folder, name).startsWith(path))).toHaveLength(1);
    const again = await open(path);
    expect(again.records(1)).toHaveLength(1);
    await again.close();
    // After both, and before the former one was removed.
    cpSync(path, `${path}.before-joining`, { recursive: true });
    await settleJoin(path);
    expect(existsSync(`${path}.before-joining`)).toBe(false);
    expect(await heightIn(path)).toBe(0);
  });

  it('does not take a new folder for a proof that the key never voted', async () => {
    for (const abstention of [null, { through: 0 }]) {
      const path = fresh();
      const binding = { abstention, height: 1, records: new Map<string, Uint8Array>() };
      const built = await beginBaseFolder(path, chainId, binding);
      await built.putState(treeEntries(parent.state));
      await built.putPayload(base.payloads[0]!.id, payload);
      await built.finish(base, base.payloads);
      const store = await open(path);
      expect(store.abstention).toEqual({ through: null });
      await store.close();
    }
  });

  it('keeps what a repaired folder knows of its votes', async () => {
    const path = fresh();
    const records = new Map([['vote/0/soft/x', utf8ToBytes('a vote')]]);
    const built = await beginBaseFolder(path, chainId, {
      abstention: { through: BASE + 2 },
      height: BASE + 3,
      records,
    });
    await built.putState(treeEntries(parent.state));
    await built.putPayload(base.payloads[0]!.id, payload);
    await built.finish(base, base.payloads);
    const store = await open(path);
    expect(store.abstention).toEqual({ through: BASE + 2 });
    expect(store.records(BASE + 3)).toHaveLength(1);
    await store.close();
  });
});
