import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newestProtocol } from '../../../../contracts/index.js';
import { bytesToHex, publicKeyOf } from '../../../../crypto/index.js';
import { encodeRows, parseTable, readSchema } from '../../../../fl/index.js';
import { chainIdOf, genesisValue, parseGenesis, startChain } from '../../../../genesis/index.js';
import { readDeviceConfig } from '../../../../node/config.js';
import {
  freePorts,
  isPortFree,
  openNetwork,
  ProvisionError,
  type ProvisionOptions,
  prepareData,
  provisionNetwork,
  readKeystore,
  seedFor,
} from '../../../../node/provision/index.js';
import { readNodeConfig } from '../../../../node/settings/index.js';

const rows = Array.from({ length: 40 }, (_, index) => `${index},${(index * 7) % 3},${index % 2}`);
const csv = `a,b,y\n${rows.join('\n')}\n`;
const data = prepareData({ csv, schema: null, label: 'y', seed: seedFor('split', 's'), devices: 4 });

let root: string;
let options: ProvisionOptions;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'consilium-provision-'));
  options = {
    dir: join(root, 'net'),
    name: 'test',
    time: 1_700_000_000_000,
    validators: 2,
    devices: 2,
    data,
    epsilonMicro: 3_000_000,
    deltaPico: 100_000_000,
    attack: { name: 'label-flip', share: 0.5, fromRound: 3 },
    seed: 's',
  };
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ProvisionError) return error.code;
    throw error;
  }
  return 'nothing was thrown';
}

describe('provisionNetwork', () => {
  it('writes a network whose keys, genesis and configurations belong together', async () => {
    const network = await provisionNetwork(options);
    const genesis = parseGenesis(readFileSync(network.genesisFile, 'utf8'));
    if (!genesis.ok) throw new Error(genesis.detail);
    expect(genesis.genesis.time).toBe(options.time);
    expect(genesis.genesis.upgrades).toEqual([{ height: 1, protocol: newestProtocol }]);
    expect(bytesToHex(startChain(genesis.genesis).chainId)).toBe(network.file.chainId);
    const accounts = new Map(genesis.genesis.accounts.map((account) => [account.name, account]));
    expect(accounts.size).toBe(2 + 4 + 1);

    expect(network.file.nodes.map(({ name }) => name)).toEqual(['hospital-1', 'hospital-2']);
    for (const [index, node] of network.file.nodes.entries()) {
      const folder = join(network.dir, node.folder);
      const config = readNodeConfig(join(folder, 'config.json'));
      const { sign, vrf } = readKeystore(config.keystore, config.passwordFile);
      expect(bytesToHex(publicKeyOf(sign!))).toBe(node.publicKey);
      expect(accounts.get(node.name)!.publicKey).toBe(node.publicKey);
      expect(vrf!.length).toBe(32);
      expect(config.genesis).toBe(network.genesisFile);
      expect(config.listen).toEqual([node.p2p]);
      expect(`http://${config.rpc.host}:${config.rpc.port}`).toBe(node.rpc);
      const other = network.file.nodes[1 - index]!;
      expect(config.peers).toEqual([{ publicKey: other.publicKey, addresses: [other.p2p] }]);
      expect(config.deviceNodes).toEqual([node.rpc, other.rpc]);
      expect(readdirSync(config.devicesDir!).sort()).toEqual([
        `${node.name}-device-1`,
        `${node.name}-device-2`,
      ]);
    }
    const ports = network.file.nodes.flatMap(({ rpc, p2p }) => [rpc.split(':').pop(), p2p.split('/').pop()]);
    expect(new Set(ports).size).toBe(4);
  });

  it('gives each device its own key, its shard and what it may spend; half of them flip labels', () => {
    const { dir, file, genesisFile } = openNetwork(options.dir);
    const keys = new Set<string>();
    const attacks: (string | null)[] = [];
    for (const [index, device] of file.devices.entries()) {
      const config = readDeviceConfig(join(dir, device.folder));
      const folder = config.folder;
      const { sign } = readKeystore(join(folder, 'keystore.json'), join(folder, 'password'));
      keys.add(bytesToHex(publicKeyOf(sign!)));
      attacks.push(config.attack);
      expect([config.epsilonMicro, config.deltaPico]).toEqual([3_000_000, 100_000_000]);
      const schema = readSchema(JSON.parse(readFileSync(config.schema, 'utf8')));
      const table = parseTable(readFileSync(config.data, 'utf8'));
      if (!schema.ok || !table.ok) throw new Error('the shard does not read');
      expect(table.rows).toEqual(data.shards[index]!.rows);
      expect(encodeRows(table, schema.schema).ok).toBe(true);
    }
    const genesis = readFileSync(genesisFile, 'utf8');
    expect(keys.size).toBe(4);
    expect([...keys].every((key) => genesis.includes(key))).toBe(true);
    expect(attacks.filter((attack) => attack === 'label-flip').length).toBe(2);
    const accomplices = file.devices.flatMap(({ folder }) => readDeviceConfig(join(dir, folder)).accomplices);
    const attackers = file.devices.filter((_, index) => attacks[index] !== null);
    expect([...accomplices].sort()).toEqual(attackers.map(({ folder }) => join(dir, folder)).sort());
  });

  it('keeps secrets and folders to their owner', () => {
    const { dir } = openNetwork(options.dir);
    const modes = (readdirSync(dir, { recursive: true }) as string[]).map((path) => {
      const stat = statSync(join(dir, path));
      return { path, folder: stat.isDirectory(), mode: stat.mode & 0o777 };
    });
    expect(modes.filter(({ folder, mode }) => folder && mode !== 0o700)).toEqual([]);
    const secret = modes.filter(({ path }) => /(password|keystore\.json)$/.test(path));
    expect(secret.length).toBe(2 * (2 + 4 + 1));
    expect(secret.filter(({ mode }) => mode !== 0o600)).toEqual([]);
  });

  it('refuses a folder that holds a network or anything else, and leaves it alone', async () => {
    const before = readFileSync(join(options.dir, 'network.json'), 'utf8');
    expect(await codeOf(() => provisionNetwork(options))).toBe('folder-in-use');
    expect(readFileSync(join(options.dir, 'network.json'), 'utf8')).toBe(before);
    const other = join(root, 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'letter.txt'), 'dear');
    expect(await codeOf(() => provisionNetwork({ ...options, dir: other }))).toBe('folder-in-use');
    expect(readdirSync(other)).toEqual(['letter.txt']);
  });

  it('takes an empty folder, and leaves nothing behind when it fails', async () => {
    const empty = join(root, 'empty');
    mkdirSync(empty);
    expect(await codeOf(() => provisionNetwork({ ...options, dir: empty, devices: 3 }))).toBe('bad-options');
    expect(await codeOf(() => provisionNetwork({ ...options, dir: empty, validators: 0 }))).toBe(
      'bad-options',
    );
    // A name that genesis refuses fails only once files are being written.
    await expect(provisionNetwork({ ...options, dir: empty, name: 'x'.repeat(65) })).rejects.toThrow();
    expect(readdirSync(root).sort()).toEqual(['empty', 'net', 'other']);
    expect(readdirSync(empty)).toEqual([]);
    expect((await provisionNetwork({ ...options, dir: empty })).file.nodes.length).toBe(2);
  });

  it('stops when it is asked to, and leaves nothing behind', async () => {
    const controller = new AbortController();
    const called = new Error('called off');
    setImmediate(() => controller.abort(called));
    const dir = join(root, 'never');
    await expect(provisionNetwork({ ...options, dir, signal: controller.signal })).rejects.toBe(called);
    expect(readdirSync(root).filter((name) => name.startsWith('never'))).toEqual([]);
  });

  it('makes different keys for the same seed', async () => {
    const keysOf = (dir: string): string[] => openNetwork(dir).file.nodes.map(({ publicKey }) => publicKey);
    expect(keysOf(join(root, 'empty'))).not.toEqual(keysOf(options.dir));
  });
});

describe('openNetwork', () => {
  it('tells a folder without a network, a broken genesis and another genesis apart', async () => {
    const dir = join(root, 'empty');
    const file = join(dir, 'genesis.json');
    const text = readFileSync(file, 'utf8');
    expect(await codeOf(() => openNetwork(join(root, 'other')))).toBe('not-a-network');
    writeFileSync(file, text.slice(0, -20));
    expect(await codeOf(() => openNetwork(dir))).toBe('bad-genesis');
    writeFileSync(file, readFileSync(join(options.dir, 'genesis.json')));
    expect(await codeOf(() => openNetwork(dir))).toBe('other-genesis');
    // White space is free: it is the content that counts.
    writeFileSync(file, JSON.stringify(JSON.parse(text)));
    const network = openNetwork(dir);
    const again = parseGenesis(text);
    expect(again.ok && bytesToHex(chainIdOf(genesisValue(again.genesis)))).toBe(bytesToHex(network.chainId));
  });

  it('refuses a wrong password and a keystore that was cut', async () => {
    const folder = join(root, 'net', 'publisher');
    const keystore = join(folder, 'keystore.json');
    const wrong = join(root, 'other', 'wrong');
    writeFileSync(wrong, 'not the password\n');
    expect(await codeOf(() => readKeystore(keystore, wrong))).toBe('bad-keystore');
    const cut = join(root, 'other', 'cut.json');
    writeFileSync(cut, JSON.stringify({ version: 1 }));
    expect(await codeOf(() => readKeystore(cut, join(folder, 'password')))).toBe('bad-keystore');
  });
});

describe('ports', () => {
  it('finds distinct free ones and sees a taken one', async () => {
    const ports = await freePorts(8);
    expect(new Set(ports).size).toBe(8);
    // Not of those that outgoing connections get: one of them would be gone when its node starts again.
    expect(Math.max(...ports)).toBeLessThan(32_768);
    const server = createServer();
    await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0 }, resolve));
    const taken = (server.address() as { port: number }).port;
    expect(await isPortFree(taken)).toBe(false);
    await new Promise((resolve) => server.close(resolve));
    expect(await isPortFree(taken)).toBe(true);
  });
});
