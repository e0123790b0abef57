import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bytesToHex, drbg, hexToBytes, publicKeyOf, utf8ToBytes } from '../../crypto/index.js';
import { chainIdOf, genesisValue } from '../../genesis/index.js';
import { exitCodes } from '../../node/cli/exitCodes.js';
import { publisherKey } from '../../node/cli/publisherKey.js';
import { readGenesis } from '../../node/provision/index.js';
import { createWallet, listAccounts } from '../../node/rpc/index.js';
import { sealFor } from '../support/gate.js';
import { writeProviders } from '../support/pmta.js';
import { type Hospitals, PATIENCE_MS, provisionHospitals } from '../support/processes.js';
import { runCommand } from '../support/runCommand.js';

const PROVIDERS = 40;
const HOSPITAL = 'hospital-1';
/** Beyond the second level a provider of level 1 needs another era. */
const levels = { highest: 9, admitted: 1, perEra: 2, completions: 0 };

let hospitals: Hospitals;
let own: string;
let data: string;
beforeAll(async () => {
  own = mkdtempSync(join(tmpdir(), 'consilium-pmta-'));
  data = writeProviders(own, [PROVIDERS / 2, PROVIDERS / 2]);
  hospitals = await provisionHospitals(4, 1, { heartbeatMs: 500 }, { levels, eraHeights: 8 });
  addProviders();
  await hospitals.start();
}, 2 * PATIENCE_MS);
afterAll(async () => {
  await hospitals?.close();
  rmSync(own, { recursive: true, force: true });
});

const secretAt = (index: number) => drbg(utf8ToBytes(`provider ${index}`))(32);

/** Before anything has started: the last provider of the data has no account. */
function addProviders(): void {
  const { network } = hospitals;
  const genesis = readGenesis(network.genesisFile);
  const providers = Array.from({ length: PROVIDERS }, (_, index) => ({
    publicKey: bytesToHex(publicKeyOf(secretAt(index))),
    role: 'provider' as const,
    name: `provider-${index + 1}`,
    hospital: HOSPITAL,
    level: 1,
    area: index < PROVIDERS / 2 ? 'north' : 'south',
    vrfPublicKey: null,
  }));
  const accounts = [...genesis.accounts, ...providers.slice(0, -1)];
  const changed = { ...genesis, accounts };
  writeFileSync(network.genesisFile, JSON.stringify(changed));
  const file = { ...network.file, chainId: bytesToHex(chainIdOf(genesisValue(changed))) };
  writeFileSync(join(network.dir, 'network.json'), JSON.stringify(file));
}

const at = (name: string) => join(own, name);

async function run(file: string, ...args: string[]) {
  const { dir } = hospitals.network;
  const common = ['--schema', at('schema.json'), '--area-column', 'ward', '--provider', 'who'];
  const task = ['--clusters', '2', '--shares', '1,1,1,1', '--epsilon', '8', '--delta', '1e-5'];
  const signer = ['--network', dir, '--as', HOSPITAL, '--json'];
  const { out, errors, code } = await runCommand('pmta', 'run', file, ...common, ...task, ...signer, ...args);
  return { told: out === '' ? null : JSON.parse(out), errors, code };
}

/** What another node than the one written to has, once it has heard of what that one committed. */
const onChain = async () => {
  const { height } = await hospitals.clients[0]!.call('chain.status', {});
  await reach(height + 1, hospitals.clients[1]!);
  const accounts = await listAccounts(hospitals.clients[1]!, HOSPITAL);
  const providers = accounts.filter(({ role }) => role === 'provider');
  return new Map(providers.map(({ name, level }) => [name, level]));
};

it('computes levels, writes them over two eras, and finds nothing to do a third time', async () => {
  // One provider of the data has no account: nothing may be written.
  const refused = await run(data, '--out', at('all.json'));
  expect(refused.code).toBe(exitCodes.refused);
  expect(refused.errors).toContain(`provider-${PROVIDERS}`);
  expect(new Set((await onChain()).values())).toEqual(new Set([1]));

  const fewer = writeProviders(own, [PROVIDERS / 2, PROVIDERS / 2 - 1], 'fewer.csv');
  const out = at('fewer.json');
  const first = await run(fewer, '--out', out);
  const { areas, spent } = JSON.parse(readFileSync(out, 'utf8'));
  const wanted = new Map<string, number>(
    areas.flatMap(({ providers }: { providers: { name: string; level: number }[] }) =>
      providers.map(({ name, level }) => [name, level]),
    ),
  );
  expect(new Set(wanted.values())).toEqual(new Set([1, 2, 3, 4]));
  const high = [...wanted.values()].filter((level) => level === 4).length;
  const low = [...wanted.values()].filter((level) => level === 1).length;
  // Level 4 is three from where they began: as near as this era lets them.
  expect(first.code).toBe(exitCodes.incomplete);
  expect(first.told.written).toMatchObject({
    before: low,
    set: wanted.size - low,
    later: high,
    refusal: null,
  });
  expect(first.told.written.transactions).toMatchObject([{ ok: true, accounts: wanted.size - low }]);
  expect(await onChain()).toEqual(new Map([...wanted].map(([name, level]) => [name, Math.min(level, 3)])));

  await reach(first.told.written.nextEra, hospitals.clients[0]!);
  const second = await run(fewer, '--out', out);
  expect([second.code, second.told.written]).toEqual([
    exitCodes.ok,
    expect.objectContaining({ before: wanted.size - high, set: high, later: 0 }),
  ]);
  expect(await onChain()).toEqual(wanted);

  const third = await run(fewer, '--out', out);
  expect([third.code, third.told.written]).toEqual([
    exitCodes.ok,
    expect.objectContaining({ before: wanted.size, set: 0, transactions: [] }),
  ]);
  // Three runs, one noised release.
  expect(third.told.budget.releases).toBe(1);
  expect(JSON.parse(readFileSync(out, 'utf8')).spent).toEqual(spent);
});

it('takes from the chain who read what and who was reported, and sets levels by it without new noise', async () => {
  const few = writeProviders(own, [PROVIDERS / 2, PROVIDERS / 2 - 1], 'read.csv');
  const out = at('read.json');
  const reports = at('reports.json');
  const plain = await settled(few, '--out', out);
  const { network } = hospitals;
  const accused = await readAndReport();
  const asked = await runCommand(
    'pmta',
    'reports',
    '--network',
    network.dir,
    '--out',
    reports,
    '--windows',
    '4',
  );
  expect([asked.code, asked.errors]).toEqual([exitCodes.ok, '']);
  const { told } = await settled(few, '--reports', reports, '--out', out);
  expect(told.budget).toEqual(plain.told.budget);
  const kept: { areas: { providers: { name: string; level: number }[] }[] } = JSON.parse(
    readFileSync(out, 'utf8'),
  );
  const given = new Map(kept.areas.flatMap(({ providers }) => providers).map((one) => [one.name, one.level]));
  expect(accused.map((name) => given.get(name))).toEqual([1, 1]);
  const chain = await onChain();
  for (const [name, level] of given) expect([name, chain.get(name)]).toEqual([name, level]);
});

/** Runs until no provider has to wait for another era. */
async function settled(...args: [file: string, ...more: string[]]) {
  for (;;) {
    const done = await run(...args);
    if (done.code !== exitCodes.incomplete) {
      expect([done.code, done.told.written.later]).toEqual([exitCodes.ok, 0]);
      return done;
    }
    await reach(done.told.written.nextEra, hospitals.clients[0]!);
  }
}

/**
 * Four content tasks of level 1, read by two providers of each area; in the first and the last the first of each area is
 * reported. Gives their names.
 */
async function readAndReport(): Promise<readonly string[]> {
  const { network, clients } = hospitals;
  const [client] = clients;
  const chainId = hexToBytes((await client!.call('chain.status', {})).chainId);
  const levels = await onChain();
  const two = (area: 'north' | 'south') =>
    Array.from({ length: PROVIDERS - 1 }, (_, index) => index)
      .filter((index) => index < PROVIDERS / 2 === (area === 'north'))
      .filter((index) => levels.get(`provider-${index + 1}`) === 1)
      .slice(0, 2);
  const [north, south] = [two('north'), two('south')];
  const walletOf = (secret: Uint8Array) => createWallet({ client: client!, chainId, secret });
  const publisher = walletOf(publisherKey(network));
  const readers = [...north, ...south].map((index) => walletOf(secretAt(index)));
  const random = drbg(utf8ToBytes('reading'));
  const taken = async (
    wallet: typeof publisher,
    contract: string,
    method: string,
    args: object,
    level = 1,
  ) => {
    const receipt = await wallet.wait(await wallet.send({ contract, method, args, level }), PATIENCE_MS / 4);
    expect([method, receipt.code]).toEqual([method, null]);
    return receipt;
  };
  const content = sealFor({ chain: { chainId } } as never, [random(32)]);
  const terms = { level: 1, places: 4, completion: 'publisher', reward: 0, content };
  const times = { applyMs: 600_000, workMs: 600_000 };
  const tasks: number[] = [];
  for (let at = 0; at < 4; at++) {
    const { events } = await taken(publisher, 'tasks', 'publishContent', { ...terms, ...times });
    const task = events.find(({ kind }) => kind === 'published')!.fields.task as number;
    tasks.push(task);
    await Promise.all(readers.map((reader) => taken(reader, 'tasks', 'ask', { task, key: random(32) })));
    for (const { publicKey } of readers)
      await taken(publisher, 'tasks', 'admit', {
        task,
        provider: publicKey,
        enc: random(32),
        wrapped: random(48),
      });
  }
  const accused = [readers[0]!, readers[2]!];
  for (const task of [tasks[0], tasks[3]])
    for (const { publicKey } of accused)
      await taken(publisher, 'levels', 'report', { task, account: publicKey, evidence: random(32) }, 0);
  return [north[0]!, south[0]!].map((index) => `provider-${index + 1}`);
}

it('says that no node answers, and keeps the levels for the next time', async () => {
  const fewer = writeProviders(own, [PROVIDERS / 2, PROVIDERS / 2 - 1], 'alone.csv');
  const { told, code, errors } = await run(fewer, '--node', 'http://127.0.0.1:1', '--out', at('alone.json'));
  expect([told, code]).toEqual([null, exitCodes.unreachable]);
  expect(errors).toContain('127.0.0.1:1');
  expect(JSON.parse(readFileSync(at('alone.json'), 'utf8')).areas.length).toBe(2);
});

/** Until the next block of a node has at least that height. */
async function reach(height: number, client: Hospitals['clients'][number]): Promise<void> {
  for (;;) {
    const { height: now } = await client.call('chain.status', {});
    if (now + 1 >= height) return;
    await client.call('chain.status', { afterHeight: now, waitMs: 10_000 });
  }
}
