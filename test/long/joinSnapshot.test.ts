import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { lightChain, lightStart } from '../../audit/light/index.js';
import { hexToBytes } from '../../crypto/index.js';
import { exportChain, verifyExport } from '../../node/export/index.js';
import { type AddedNode, addNode, readGenesis } from '../../node/provision/index.js';
import { base64ToBytes, type Client, createClient } from '../../node/rpc/index.js';
import { killNodeProcess, startNodeProcess } from '../../node/testnet/index.js';
import { type Hospitals, PATIENCE_MS, program, provisionHospitals, reached } from '../support/processes.js';
import { runCommand } from '../support/runCommand.js';

const ERA_HEIGHTS = 4;

let hospitals: Hospitals;
let added: AddedNode;
let folder: string;
let joiner: Client;

const startJoiner = () =>
  startNodeProcess(added.network, added.name, { withParent: true, readyTimeoutMs: PATIENCE_MS, program });
const logOf = () => readFileSync(join(folder, 'node.log'), 'utf8');

/** Four validators that go on making blocks, and have voted a fifth in. */
beforeAll(async () => {
  hospitals = await provisionHospitals(4, 1, { heartbeatMs: 200 }, { eraHeights: ERA_HEIGHTS });
  await hospitals.start();
  const { dir } = hospitals.network;
  added = await addNode(dir);
  const place = added.network.file.nodes.at(-1)!;
  folder = join(dir, place.folder);
  joiner = createClient(place.rpc, { timeoutMs: 30_000 });
  for (const name of hospitals.names.slice(0, 3)) {
    const { code, errors } = await runCommand('validator', 'add', added.name, '--network', dir, '--as', name);
    expect(errors).toBe('');
    expect(code).toBe(0);
  }
  await reached(hospitals.clients[0]!, 4 * ERA_HEIGHTS);
  const file = join(folder, 'config.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), join: 'snapshot' }));
});

afterAll(async () => {
  await killNodeProcess(added.network, added.name);
  await hospitals.close();
});

it('a fifth validator joins by a snapshot after a kill -9, follows, serves, and its export verifies from there', async () => {
  const { network, clients } = hospitals;
  // Killed as soon as it has begun to write: nothing half written is taken for a chain.
  const first = startJoiner().catch(() => null);
  const building = join(folder, 'data.joining');
  for (const end = Date.now() + PATIENCE_MS; !existsSync(building) && !existsSync(join(folder, 'data')); ) {
    expect(Date.now()).toBeLessThan(end);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await killNodeProcess(added.network, added.name);
  await first;

  await startJoiner();
  const { base, height } = await joiner.call('chain.status', {});
  expect(base).toBeGreaterThanOrEqual(2 * ERA_HEIGHTS);
  expect(height).toBeGreaterThanOrEqual(base);
  expect(logOf()).toContain('"event":"join-done"');
  expect(readdirSync(folder).filter((name) => name.startsWith('data.') && name.includes('join'))).toEqual([]);
  const now = await reached(clients[0]!, base + 2 * ERA_HEIGHTS);
  await reached(joiner, now);

  // What is here is the same as elsewhere; what is below is said not to be here.
  const block = await joiner.call('chain.block', { height: base + 1 });
  expect(block).toEqual(await clients[0]!.call('chain.block', { height: base + 1 }));
  const below = {
    word: 'not-found',
    detail: expect.stringContaining(`joined at height ${base} by a snapshot`),
  };
  for (const wanted of [1, base]) {
    await expect(joiner.call('chain.block', { height: wanted })).rejects.toMatchObject(below);
    await expect(joiner.call('chain.export', { from: wanted, to: now })).rejects.toMatchObject(below);
  }
  await expect(joiner.call('proof.header', { height: base - 1 })).rejects.toMatchObject(below);

  // A light client that trusts the base may begin there, and go on.
  const genesis = readGenesis(network.genesisFile);
  const { chain } = lightChain(genesis);
  const shown = await joiner.call('proof.header', { height: base });
  const known = { height: base, hash: hexToBytes(shown.hash) };
  expect(lightStart(chain, known, base64ToBytes(shown.start)!)).toMatchObject({ ok: true });
  expect(await joiner.call('proof.follow', { from: base, to: now })).toMatchObject({ reached: now });

  const file = join(network.dir, 'from-base.car');
  expect(await exportChain({ url: joiner.url, file })).toMatchObject({ from: base + 1 });
  const { genesisFile } = network;
  const anchors = [`${base + 1}:${block.hash}`];
  const report = await verifyExport({ file, genesisFile, from: base + 1, anchors });
  expect(report.divergence).toBeNull();
  expect(report.head.height).toBeGreaterThanOrEqual(now);
  const wrong = await verifyExport({
    file,
    genesisFile,
    from: base + 1,
    anchors: [`${base + 1}:${shown.hash}`],
  });
  expect(wrong.divergence).toMatchObject({ height: base + 1 });
  await expect(exportChain({ url: joiner.url, file, from: 1 })).rejects.toMatchObject({
    code: 'unavailable',
  });

  // It opens again where it was, without joining a second time.
  await killNodeProcess(added.network, added.name);
  await startJoiner();
  const again = await joiner.call('chain.status', {});
  expect(again.base).toBe(base);
  expect(again.height).toBeGreaterThanOrEqual(now);
  await reached(joiner, again.height + 2);
}, 300_000);
