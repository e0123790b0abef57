import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bytesToHex, drbg, publicKeyOf, utf8ToBytes } from '../../crypto/index.js';
import { chainIdOf, genesisValue } from '../../genesis/index.js';
import { exitCodes } from '../../node/cli/exitCodes.js';
import { readGenesis } from '../../node/provision/index.js';
import { listAccounts } from '../../node/rpc/index.js';
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

/** Before anything has started: the last provider of the data has no account. */
function addProviders(): void {
  const { network } = hospitals;
  const genesis = readGenesis(network.genesisFile);
  const providers = Array.from({ length: PROVIDERS }, (_, index) => ({
    publicKey: bytesToHex(publicKeyOf(drbg(utf8ToBytes(`provider ${index}`))(32))),
    role: 'provider' as const,
    name: `provider-${index + 1}`,
    hospital: HOSPITAL,
    level: 1,
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
