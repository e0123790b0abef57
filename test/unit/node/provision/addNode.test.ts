import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bytesToHex, publicKeyOf, vrfPublicKeyOf } from '../../../../crypto/index.js';
import {
  addNode,
  type Network,
  openNetwork,
  prepareData,
  provisionNetwork,
  readKeystore,
  seedFor,
} from '../../../../node/provision/index.js';
import { readNodeConfig } from '../../../../node/settings/index.js';

const rows = Array.from({ length: 20 }, (_, index) => `${index},${index % 2}`);
const csv = `a,y\n${rows.join('\n')}\n`;

let root: string;
let network: Network;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'consilium-add-'));
  network = await provisionNetwork({
    dir: join(root, 'net'),
    name: 'test',
    time: 1_700_000_000_000,
    validators: 2,
    devices: 1,
    data: prepareData({ csv, schema: null, label: 'y', seed: seedFor('split', 's'), devices: 2 }),
    epsilonMicro: 3_000_000,
    deltaPico: 100_000_000,
    seed: 's',
  });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('addNode', () => {
  it('writes a folder that starts beside the others, and lists it in the network', async () => {
    const genesis = readFileSync(network.genesisFile, 'utf8');
    const added = await addNode(network.dir);
    expect(added.name).toBe('hospital-3');
    const { file } = openNetwork(network.dir);
    expect(file.nodes.map(({ name }) => name)).toEqual(['hospital-1', 'hospital-2', 'hospital-3']);
    expect(added.network.file).toEqual(file);
    const place = file.nodes[2]!;
    const folder = join(network.dir, place.folder);
    const { sign, vrf } = readKeystore(join(folder, 'keystore.json'), join(folder, 'password'));
    expect(bytesToHex(publicKeyOf(sign!))).toBe(added.publicKey);
    expect(bytesToHex(vrfPublicKeyOf(vrf!))).toBe(added.vrfPublicKey);
    expect(place.publicKey).toBe(added.publicKey);
    expect(statSync(join(folder, 'keystore.json')).mode & 0o777).toBe(0o600);
    const config = readNodeConfig(join(folder, 'config.json'));
    expect(config.genesis).toBe(network.genesisFile);
    expect(config.devicesDir).toBeNull();
    const known = network.file.nodes.map(({ publicKey, p2p }) => ({ publicKey, addresses: [p2p] }));
    expect(config.peers).toEqual(known);
    const ports = file.nodes.flatMap(({ rpc, p2p }) => [new URL(rpc).port, p2p.split('/').at(-1)]);
    expect(new Set(ports).size).toBe(6);
    // The genesis is the same: what it says cannot change.
    expect(readFileSync(network.genesisFile, 'utf8')).toBe(genesis);
  });

  it('takes a name, and no second time, and leaves nothing of a refused one', async () => {
    expect((await addNode(network.dir, 'clinic')).name).toBe('clinic');
    for (const name of ['clinic', 'hospital-1', 'Clinic', '../clinic', '']) {
      await expect(addNode(network.dir, name)).rejects.toMatchObject({ code: 'bad-options' });
    }
    mkdirSync(join(network.dir, 'nodes', 'other'));
    await expect(addNode(network.dir, 'other')).rejects.toMatchObject({ code: 'folder-in-use' });
    expect(readdirSync(join(network.dir, 'nodes')).sort()).toEqual([
      'clinic',
      'hospital-1',
      'hospital-2',
      'other',
    ]);
    expect(openNetwork(network.dir).file.nodes).toHaveLength(3);
    expect(existsSync(join(network.dir, 'network.json.part'))).toBe(false);
    await expect(addNode(root)).rejects.toMatchObject({ code: 'not-a-network' });
  });
});
