import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { payloadId, transactionHash } from '../../../../chain/index.js';
import { bytesToHex, drbg, sha256, utf8ToBytes } from '../../../../crypto/index.js';
import { type Commit, openStore, type Store, StoreError } from '../../../../node/store/index.js';
import { indexName } from '../../../../node/store/placeIndex.js';
import {
  ada,
  chainId,
  genesisParent,
  genesisState,
  makeCommit,
  makeNext,
  signed,
} from '../../../support/notesChain.js';
import { copyStore, withRaw } from '../../../support/storeCopy.js';

const HEIGHTS = 60;

let folder: string;
let whole: string;
let copies = 0;
const commits: Commit[] = [];
/** Bytes of the log after the genesis batch and after each commit. */
const logEnds: number[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'store-damage-'));
  whole = join(folder, 'whole');
  const store = await open(whole);
  let parent = genesisParent();
  logEnds.push(statSync(logOf(whole)).size);
  for (let height = 1; height <= HEIGHTS; height += 1) {
    const { commit, next } = makeNext(parent);
    await store.commit(commit);
    logEnds.push(statSync(logOf(whole)).size);
    commits.push(commit);
    parent = next;
  }
  await store.putRecords(HEIGHTS + 1, [{ key: 'a', value: utf8ToBytes('value of a') }]);
  await store.close();
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function open(path: string): Promise<Store> {
  return openStore({ path, chainId, genesisState: genesisState(), create: true });
}

function copy(): string {
  copies += 1;
  const path = join(folder, `copy-${copies}`);
  copyStore(whole, path);
  return path;
}

function logOf(path: string): string {
  return join(path, readdirSync(path).find((name) => name.endsWith('.log'))!);
}

async function failure(path: string): Promise<StoreError> {
  const result = await open(path).then(
    async (store) => {
      await store.close();
      return `opened at ${store.head.height}`;
    },
    (error: unknown) => error,
  );
  expect(result).toBeInstanceOf(StoreError);
  return result as StoreError;
}

const digits = (height: number): string => height.toString().padStart(16, '0');

describe('a flipped byte in the log', () => {
  it('loses heights in silence for LevelDB, with the head intact: the store names what is wrong', async () => {
    const path = copy();
    flip(logOf(path), logEnds[30]! + 100);
    const looked = copy();
    copyStore(path, looked);
    await withRaw(looked, async (raw) => {
      const missing: number[] = [];
      for (let height = 1; height <= HEIGHTS; height += 1) {
        if ((await raw.get(`height/${digits(height)}`)) === undefined) missing.push(height);
      }
      expect(missing.length).toBeGreaterThan(0);
      expect(missing).not.toContain(HEIGHTS);
      expect(Buffer.from((await raw.get('head'))!).includes(Buffer.from(commits[HEIGHTS - 1]!.hash))).toBe(
        true,
      );
    });
    const error = await failure(path);
    expect(error.code).toBe('damaged');
    expect(error.message).toMatch(/height \d+: it is missing/);
    expect(error.message).toContain('consilium chain repair');
  });

  it('anywhere, the last commits included, is noticed, unless nothing was lost', async () => {
    let noticed = 0;
    const seed = `${process.env.SEED ?? Date.now()}`;
    const random = drbg(utf8ToBytes(seed));
    for (let i = 0; i < 40; i += 1) {
      const path = copy();
      const at = Buffer.from(random(6)).readUIntBE(0, 6) % logEnds[HEIGHTS]!;
      flip(logOf(path), at);
      // The log pads its 32 KiB blocks with up to 6 bytes that nobody reads: then all heights are there.
      const outcome = await open(path).then(
        async (store) => {
          await store.close();
          return store.head.height;
        },
        (error: StoreError) => error.code,
      );
      expect(['damaged', HEIGHTS], `SEED=${seed}, byte ${at}`).toContain(outcome);
      if (outcome === 'damaged') noticed += 1;
      rmSync(path, { recursive: true });
    }
    expect(noticed, `SEED=${seed}`).toBeGreaterThan(35);
  });
});

describe('an entry that is lost or altered', () => {
  const at = 40;
  const commit = (): Commit => commits[at - 1]!;
  const cases: [string, () => string, string][] = [
    ['height', () => `height/${digits(at)}`, `height ${at}`],
    ['first height', () => `height/${digits(1)}`, 'height 1'],
    ['last height', () => `height/${digits(HEIGHTS)}`, `height ${HEIGHTS}`],
    ['index of a block', () => `index/${indexName(commit().hash)}`, 'the index'],
    [
      'index of a transaction',
      () => `index/${indexName(transactionHash(commit().block.transactions[1]!))}`,
      'the index',
    ],
    ['state value', () => `state/notes/note/${at}-1`, `height ${HEIGHTS}`],
    ['count of writes', () => 'writes', 'the count of writes'],
    ['stamp of the journal', () => 'journal', 'the count of writes'],
    ['head', () => 'head', 'the head'],
    ['chain id', () => 'chain', 'the chain id'],
    ['format', () => 'format', 'the format'],
  ];

  it.each(cases)('%s: lost', async (_, key, place) => {
    const path = copy();
    await withRaw(path, async (raw) => {
      expect(await raw.get(key())).toBeDefined();
      await raw.del(key());
    });
    const error = await failure(path);
    expect(error.code).toBe('damaged');
    expect(error.message).toContain(`at ${place}:`);
  });

  // A count or stamp that reads lower than it was is not noticed, and hides nothing by itself.
  const hashed = cases.filter(([name]) => !['count of writes', 'stamp of the journal'].includes(name));

  it.each(hashed)('%s: altered', async (_, key) => {
    for (const where of [0, 0.5, 0.999]) {
      const path = copy();
      await withRaw(path, async (raw) => {
        const value = new Uint8Array((await raw.get(key()))!);
        value[Math.floor(where * value.length)]! ^= 1;
        await raw.put(key(), value);
      });
      expect((await failure(path)).code).toBe('damaged');
    }
  });

  it('a height altered anywhere', async () => {
    for (let i = 0; i <= 20; i += 1) {
      const path = copy();
      await withRaw(path, async (raw) => {
        const value = new Uint8Array((await raw.get(`height/${digits(at)}`))!);
        value[Math.min(value.length - 1, Math.floor((i * value.length) / 20))]! ^= 8;
        await raw.put(`height/${digits(at)}`, value);
      });
      expect((await failure(path)).message).toContain(`at height ${at}: it is altered`);
    }
  });

  it('a height that another whole one replaced', async () => {
    for (const other of [at - 1, at + 1, HEIGHTS]) {
      const path = copy();
      await withRaw(path, async (raw) => {
        await raw.put(`height/${digits(at)}`, (await raw.get(`height/${digits(other)}`))!);
      });
      const error = await failure(path);
      expect(error.code).toBe('damaged');
      expect(error.message).toContain(`at height ${at}: it does not follow the height before`);
    }
  });

  it('an index entry too many, or of another place', async () => {
    const [first, second] = commits.map(({ hash }) => `index/${indexName(hash)}`);
    for (const name of [`index/${indexName(sha256(utf8ToBytes('nobody')))}`, first!]) {
      const path = copy();
      await withRaw(path, async (raw) => raw.put(name, (await raw.get(second!))!));
      expect((await failure(path)).message).toContain('at the index:');
    }
  });

  it('a payload of a transaction that is not held', async () => {
    const path = join(folder, 'announced');
    const store = await open(path);
    const bytes = utf8ToBytes('announced by a transaction');
    const payload = { id: payloadId(bytes), size: bytes.length };
    await store.putPayload(payload.id, bytes);
    await store.commit(makeCommit(genesisParent(), [signed(ada, { payloads: [payload] })], bytes).commit);
    await store.close();
    await withRaw(path, (raw) => raw.del(`held/${bytesToHex(payload.id)}`));
    expect((await failure(path)).message).toContain('at height 1: the payload');
  });

  it('is not handed out when it is altered while the node runs', async () => {
    const path = copy();
    const store = await open(path);
    const block = store.block(at);
    await store.close();
    expect(block).not.toBeNull();
    const log = readdirSync(path).filter((name) => name.endsWith('.ldb'));
    const running = await open(path);
    for (const name of log) {
      const raw = readFileSync(join(path, name));
      const where = raw.indexOf(Buffer.from(commit().certificate.signatures[0]!));
      if (where >= 0) flip(join(path, name), where);
    }
    expect(() => running.block(at)).toThrow(expect.objectContaining({ code: 'damaged' }));
    expect(() => running.blockBytes(at)).toThrow(expect.objectContaining({ code: 'damaged' }));
    await running.close();
  });

  it('an older head than its blocks', async () => {
    const path = copy();
    const older = join(folder, 'older');
    const store = await open(older);
    await store.commit(commits[0]!);
    await store.close();
    let head: Uint8Array | undefined;
    await withRaw(older, async (raw) => {
      head = await raw.get('head');
    });
    await withRaw(path, (raw) => raw.put('head', head!));
    const error = await failure(path);
    expect(error.code).toBe('damaged');
    expect(error.message).toContain('the blocks 2 to 60 were on disk, and are lost');
  });

  it('another genesis state', async () => {
    const path = join(folder, 'genesis');
    await (await open(path)).close();
    await expect(openStore({ path, chainId, genesisState: null, create: false })).rejects.toMatchObject({
      code: 'damaged',
    });
  });

  it('a payload whose bytes changed is not handed out', async () => {
    const path = copy();
    const id = [...commit().payloads.keys()][0]!;
    await withRaw(path, (raw) => raw.put(`payload/${id}`, utf8ToBytes('other')));
    const store = await open(path);
    expect(() => store.payload(Uint8Array.from(Buffer.from(id, 'hex')))).toThrow(
      expect.objectContaining({ code: 'damaged' }),
    );
    await store.close();
  });

  it('a folder of another format says so', async () => {
    const path = copy();
    await withRaw(path, (raw) => raw.put('format', Uint8Array.of(4, 0xfb)));
    expect((await failure(path)).code).toBe('another-format');
  });

  it('a folder whose creation was cut short begins again', async () => {
    const path = join(folder, 'begun');
    await withRaw(path, async () => undefined);
    const store = await open(path);
    expect(store.head.height).toBe(0);
    await store.close();
  });
});

function flip(file: string, at: number): void {
  const raw = readFileSync(file);
  raw[at]! ^= 0x40;
  writeFileSync(file, raw);
}
