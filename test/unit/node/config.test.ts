import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CONFIG_BYTES_MAX,
  ConfigError,
  readBounded,
  readDeviceConfig,
  readNetworkFile,
} from '../../../node/config.js';
import { readNodeConfig } from '../../../node/settings/index.js';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-config-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const node = {
  version: 1,
  name: 'hospital-1',
  genesis: '../genesis.json',
  dataDir: 'data',
  keystore: 'keystore.json',
  passwordFile: 'password',
  listen: ['/ip4/127.0.0.1/tcp/4001'],
  rpc: { host: '127.0.0.1', port: 4002 },
  peers: [{ publicKey: 'ab'.repeat(32), addresses: ['/ip4/127.0.0.1/tcp/4003'] }],
  devicesDir: 'devices',
  deviceNodes: ['http://127.0.0.1:4002'],
  trainerThreads: 1,
  attack: null,
};

function write(name: string, content: unknown): string {
  const file = join(dir, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

function faultOf(read: () => unknown): ConfigError {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('readNodeConfig', () => {
  it('makes every path absolute from the folder of the file, and freezes', () => {
    const config = readNodeConfig(write('config.json', node));
    expect(config.genesis).toBe(join(dir, '../genesis.json'));
    expect(config.dataDir).toBe(join(dir, 'data'));
    expect(config.devicesDir).toBe(join(dir, 'devices'));
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.peers[0]!.addresses)).toBe(true);
  });

  it('keeps "no devices" as null', () => {
    expect(readNodeConfig(write('config.json', { ...node, devicesDir: null })).devicesDir).toBeNull();
  });

  const bad: [string, unknown, string][] = [
    ['a port out of range', { ...node, rpc: { host: 'x', port: 70_000 } }, 'rpc.port'],
    ['a port as text', { ...node, rpc: { host: 'x', port: '4002' } }, 'rpc.port'],
    ['an unknown field', { ...node, extra: 1 }, 'extra'],
    ['a missing field', { ...node, keystore: undefined }, 'keystore'],
    ['another version', { ...node, version: 2 }, 'version'],
    [
      'a key that is none',
      { ...node, peers: [{ publicKey: 'ab', addresses: node.listen }] },
      'peers.0.publicKey',
    ],
    ['an address that is none', { ...node, listen: ['127.0.0.1:4001'] }, 'listen.0'],
    ['an RPC address that is none', { ...node, deviceNodes: ['127.0.0.1:4001'] }, 'deviceNodes.0'],
    ['a name that could leave its folder', { ...node, name: '../x' }, 'name'],
  ];
  it.each(bad)('refuses %s and names the place', (_, content, place) => {
    const fault = faultOf(() => readNodeConfig(write('config.json', content)));
    expect(fault.code).toBe('shape');
    expect(fault.message).toContain(place);
  });

  it('tells a missing file, text that is not JSON and a huge file apart', () => {
    expect(faultOf(() => readNodeConfig(join(dir, 'nowhere.json'))).code).toBe('missing-file');
    expect(faultOf(() => readNodeConfig(write('text.json', '{"version": 1,'))).code).toBe('not-json');
    expect(faultOf(() => readNodeConfig(write('big.json', ' '.repeat(CONFIG_BYTES_MAX + 1)))).code).toBe(
      'too-large',
    );
    expect(faultOf(() => readNodeConfig(dir)).code).toBe('unreadable');
  });
});

describe('the other files', () => {
  it('reads a device with paths from its folder', () => {
    const device = {
      version: 1,
      name: 'd',
      data: 'data.csv',
      schema: 'schema.json',
      attack: 'label-flip',
      attackFromRound: 1,
      accomplices: ['../e'],
      epsilonMicro: 3_000_000,
      deltaPico: 100_000_000,
    };
    write('device.json', device);
    expect(readDeviceConfig(dir)).toEqual({
      ...device,
      labels: null,
      allow: [],
      data: join(dir, 'data.csv'),
      schema: join(dir, 'schema.json'),
      accomplices: [join(dir, '..', 'e')],
      folder: dir,
    });
    write('device.json', { ...device, attack: 'steal' });
    expect(faultOf(() => readDeviceConfig(dir)).message).toContain('attack');
  });

  it('refuses a network without nodes', () => {
    const publisher = { name: 'publisher', keystore: 'publisher/keystore.json' };
    write('network.json', {
      version: 1,
      name: 'n',
      chainId: '00'.repeat(32),
      nodes: [],
      publisher,
      devices: [],
    });
    expect(faultOf(() => readNetworkFile(dir)).message).toContain('nodes');
  });

  it('reads up to the bound and not a byte more', () => {
    const file = write('ten', '0123456789');
    expect(readBounded(file, 10)).toBe('0123456789');
    expect(faultOf(() => readBounded(file, 9)).code).toBe('too-large');
  });
});
