import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { decodeContent } from '../../contracts/index.js';
import { bytesToHex, publicKeyOf } from '../../crypto/index.js';
import { chainIdOf, genesisValue } from '../../genesis/index.js';
import { exportChain } from '../../node/export/index.js';
import { readGenesis, readKeystore } from '../../node/provision/index.js';
import { base64ToBytes } from '../../node/rpc/index.js';
import { openTaskKey } from '../../node/sealing/content.js';
import { readKeyFile } from '../../node/sealing/keyFile.js';
import { type Hospitals, provisionHospitals, level as sameHead } from '../support/processes.js';
import { runCommand } from '../support/runCommand.js';

const content = {
  title: 'Retinopathy of the Meyer family',
  description: 'Patients of Dr. Okonkwo who were seen in Ward 7 in spring, with their mothers.',
};

let hospitals: Hospitals;
/** Beside the network: what the publisher and the providers keep for themselves. */
let own: string;

beforeAll(async () => {
  hospitals = await provisionHospitals(4, 2);
  own = mkdtempSync(join(tmpdir(), 'consilium-readers-'));
  writeFileSync(at('content.json'), JSON.stringify(content));
  otherLevel('hospital-3-device-1');
  await hospitals.start();
});
afterAll(async () => {
  await hospitals.close();
  rmSync(own, { recursive: true, force: true });
});

const at = (name: string) => join(own, name);

/** Before anything has started: a device of level 2 in genesis. */
function otherLevel(name: string): void {
  const { network } = hospitals;
  const genesis = readGenesis(network.genesisFile);
  const accounts = genesis.accounts.map((account) =>
    account.name === name ? { ...account, level: 2 } : account,
  );
  const changed = { ...genesis, accounts };
  writeFileSync(network.genesisFile, JSON.stringify(changed));
  const file = { ...network.file, chainId: bytesToHex(chainIdOf(genesisValue(changed))) };
  writeFileSync(join(network.dir, 'network.json'), JSON.stringify(file));
}

async function run(...args: string[]) {
  const { out, errors, code } = await runCommand(...args, '--network', hospitals.network.dir, '--json');
  return { code, out: out === '' ? null : JSON.parse(out), errors };
}

async function done(...args: string[]) {
  const { code, out, errors } = await run(...args);
  expect([args.slice(0, 2), code, errors]).toEqual([args.slice(0, 2), 0, '']);
  return out;
}

/** Every byte of every file below a folder; of a database every key and value as well, decompressed. */
async function bytesBelow(path: string): Promise<{ place: string; bytes: Buffer }[]> {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  const placeOf = ({ parentPath, name }: (typeof entries)[number]) => join(parentPath, name);
  // Opening a database moves its files: they are read before.
  const found = entries
    .filter((entry) => entry.isFile())
    .map((entry) => ({ place: placeOf(entry), bytes: readFileSync(placeOf(entry)) }));
  const databases = entries.filter(
    (entry) => entry.isDirectory() && readdirSync(placeOf(entry)).includes('CURRENT'),
  );
  for (const place of databases.map(placeOf)) {
    const encoding = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;
    const database = new ClassicLevel<Buffer, Buffer>(place, encoding);
    for await (const [key, value] of database.iterator())
      found.push({ place: `${place} ${key.toString('latin1')}`, bytes: Buffer.concat([key, value]) });
    await database.close();
  }
  return found;
}

it('a task’s content is nowhere on four nodes but sealed, and opens for the provider that was admitted', async () => {
  const { network, names, clients } = hospitals;
  const publish = ['task', 'publish-content', at('content.json'), '--level', '1', '--key', at('own.json')];
  const { task } = await done(...publish, '--reward', '100', '--providers-complete');
  const number = String(task);
  const apply = (device: string) =>
    ['task', 'apply', number, '--as', device, '--key', at(`${device}.json`)] as const;
  await done(...apply('hospital-1-device-1'));
  await done(...apply('hospital-2-device-1'));
  // Of another level: no node passes it on.
  const other = await run(...apply('hospital-3-device-1'));
  expect(other.code).toBe(10);
  expect(other.errors).toContain('wrong-level');
  const provider = network.file.devices.find(({ name }) => name === 'hospital-1-device-1')!;
  const folder = join(network.dir, provider.folder);
  const { sign } = readKeystore(join(folder, 'keystore.json'), join(folder, 'password'));
  const key = bytesToHex(publicKeyOf(sign!));
  await done('task', 'admit', number, '--provider', key, '--key', at('own.json'));
  const open = (device: string) => ['task', 'open', number, '--key', at(`${device}.json`)] as const;
  expect(await done(...open('hospital-1-device-1'))).toEqual(content);
  expect((await run(...open('hospital-2-device-1'))).code).toBe(10);
  expect((await run(...open('hospital-3-device-1'))).code).toBe(10);
  await done('task', 'complete', number, '--as', 'hospital-1-device-1');
  await sameHead(clients);
  const balance = await done('account', 'balance', '--as', 'hospital-1-device-1');
  expect(balance).toMatchObject({ balance: 100 });

  // All that could open it: the task key, and what is in the files of those who may read.
  const sealed = decodeContent(base64ToBytes((await clients[0]!.call('task.content', { task })).content!)!)!;
  const taskKey = openTaskKey(sealed.chainId, sealed, readKeyFile(at('own.json')))!;
  const files = ['own.json', 'hospital-1-device-1.json', 'hospital-2-device-1.json'];
  const secrets = files.flatMap((name) => {
    const { ikm } = JSON.parse(readFileSync(at(name), 'utf8')) as { readonly ikm: string };
    return [Buffer.from(ikm, 'hex'), Buffer.from(readKeyFile(at(name)).secret)];
  });
  await exportChain({ url: clients[0]!.url, file: join(network.dir, 'chain.car') });
  await hospitals.stop(names);

  const places = await bytesBelow(network.dir);
  for (const name of names) {
    const own = places.filter(({ place }) => place.includes(join('nodes', name)));
    expect([name, own.some(({ place }) => place.endsWith('node.log'))]).toEqual([name, true]);
    // It has the ciphertext: the same search finds it.
    expect([name, own.some(({ bytes }) => bytes.includes(Buffer.from(sealed.ciphertext)))]).toEqual([
      name,
      true,
    ]);
  }
  expect(places.some(({ place }) => place.endsWith('chain.car'))).toBe(true);
  const words = `${content.title} ${content.description}`.split(/\W+/).filter((word) => word.length > 4);
  expect(words.length).toBeGreaterThan(6);
  const keys = [Buffer.from(taskKey), ...secrets];
  const forms = keys.flatMap((bytes) => [
    bytes.toString('latin1'),
    bytes.toString('hex'),
    bytes.toString('base64'),
  ]);
  // The last characters of a base64 text depend on what follows.
  const coded = words.map((word) => Buffer.from(word).toString('base64').slice(0, -3));
  for (const { place, bytes } of places) {
    const found = [...words, ...coded, ...forms].filter((one) => bytes.includes(one, 0, 'latin1'));
    expect([place, found]).toEqual([place, []]);
  }
}, 300_000);
