import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { readState, treeRoot } from '../../../../chain/index.js';
import { modelCell } from '../../../../contracts/index.js';
import { bytesToHex, hexToBytes } from '../../../../crypto/index.js';
import { openStore, type Store } from '../../../../node/store/index.js';
import type { TestChain } from '../../../support/chain.js';
import { trainedChain } from '../../../support/exportedChain.js';
import { writeChain } from '../../../support/network.js';
import { closedAt, restsOf } from '../../../support/prunedChain.js';
import { runProgram as run } from '../../../support/runProgram.js';

const ROUNDS = 4;
const WINDOW = 4;

let test: TestChain;
let dir: string;
let data: string;
beforeAll(() => {
  test = trainedChain(ROUNDS, { auditHeights: WINDOW });
}, 60_000);
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-prune-cli-'));
  data = join(dir, 'data');
  mkdirSync(join(dir, 'keys'));
  writeFileSync(join(dir, 'genesis.json'), JSON.stringify(test.genesis));
  const config = {
    version: 1,
    name: 'hospital-1',
    genesis: 'genesis.json',
    dataDir: 'data',
    keystore: 'keys/keystore.json',
    passwordFile: 'keys/password',
    listen: ['/ip4/127.0.0.1/tcp/0'],
    rpc: { host: '127.0.0.1', port: 1 },
    peers: [],
    devicesDir: null,
    deviceNodes: [],
    trainerThreads: 1,
  };
  writeFileSync(join(dir, 'config.json'), JSON.stringify(config));
  await writeChain(test, data);
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const open = (): Promise<Store> =>
  openStore({ path: data, chainId: test.chain.chainId, genesisState: test.chain.tip.state, create: false });

/** Held ids among these, in hex; that every other one is pruned and not lost is asked on the way. */
async function held(ids: Iterable<string>): Promise<readonly string[]> {
  const store = await open();
  try {
    expect(treeRoot(store.state())).toEqual(treeRoot(test.tip.state));
    expect(store.hasPayload(modelCell.get(readState(store.state()), 1)!.id)).toBe(true);
    return [...ids].filter((id) => store.hasPayload(hexToBytes(id)));
  } finally {
    await store.close();
  }
}

const announced = (): string[] =>
  test.blocks.flatMap(({ block }) =>
    block.transactions.flatMap(({ payloads }) => payloads.map(({ id }) => bytesToHex(id))),
  );

const last = (): number =>
  Math.max(...[1, 2, 3, 4].filter((round) => closedAt(test, round) + WINDOW <= test.tip.height));

it('chain prune removes what is past its window, once, from the files too', async () => {
  expect(last()).toBeGreaterThan(0);
  expect(last()).toBeLessThan(ROUNDS);
  const gone = restsOf(test, last());
  const updates = [...gone].map((id) => test.payloadOf(hexToBytes(id))!).filter(({ length }) => length > 12);
  expect(updates.length).toBeGreaterThan(0);
  const onDisk = () => {
    const files = readdirSync(data).map((name) => readFileSync(join(data, name)));
    return updates.some((bytes) => files.some((file) => file.includes(Buffer.from(bytes))));
  };
  expect(onDisk()).toBe(true);
  const first = await run('chain', 'prune', dir, '--json');
  expect(first).toMatchObject({ exit: 'ok', message: '' });
  expect(JSON.parse(first.out)).toEqual({
    height: test.tip.height,
    payloads: gone.size,
    bytes: expect.any(Number),
  });
  expect(await held(gone)).toEqual([]);
  expect((await held(announced())).length).toBeGreaterThan(0);
  expect(onDisk()).toBe(false);
  const again = await run('chain', 'prune', dir);
  expect(again.out).toContain(`: 0 payloads removed, 0.0 MiB, height ${test.tip.height}`);
}, 60_000);

it('chain prune --task removes all of that task but its model, and nothing of another', async () => {
  const others = announced();
  expect((await run('chain', 'prune', dir, '--task', '2')).exit).toBe('ok');
  const windowed = restsOf(test, last());
  expect(await held(others)).toEqual(others.filter((id) => !windowed.has(id)));
  expect((await run('chain', 'prune', dir, '--task', '1')).exit).toBe('ok');
  expect(await held(others)).toEqual([]);
}, 60_000);

it('chain prune refuses a folder in use, one that is not there, and a task that is no number', async () => {
  const store = await open();
  const inUse = await run('chain', 'prune', dir);
  await store.close();
  expect(inUse).toMatchObject({ exit: 'bad-folder', message: expect.stringContaining('in use') });
  expect((await run('chain', 'prune', join(dir, 'nowhere'))).exit).toBe('bad-config');
  expect((await run('chain', 'prune', dir, '--task', '0')).exit).toBe('usage');
  expect(await held(announced())).toEqual(announced());
});
