import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../../../node/config.js';
import {
  explainSettings,
  loadSettings,
  nearest,
  settings,
  withoutSettings,
} from '../../../../node/settings/index.js';
import { runProgram } from '../../../support/runProgram.js';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-settings-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const node = {
  version: 1,
  name: 'north',
  genesis: 'genesis.json',
  dataDir: 'data',
  keystore: 'keystore.json',
  passwordFile: 'password',
  listen: ['/ip4/127.0.0.1/tcp/4001'],
  rpc: { host: '127.0.0.1', port: 4002 },
  peers: [],
  devicesDir: null,
  deviceNodes: ['http://127.0.0.1:4002'],
  trainerThreads: 1,
};

function write(content: object): string {
  const file = join(dir, 'config.json');
  writeFileSync(file, JSON.stringify(content));
  return file;
}

function faultOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('settings', () => {
  it('come from the flag, else the environment, else the file, else the default', () => {
    const file = write({ ...node, logLevel: 'warn', trainerThreads: 2 });
    const env = { CONSILIUM_LOG_LEVEL: 'error', CONSILIUM_RPC_PORT: '4100', PATH: 'x' };
    const { config, origins } = loadSettings({ file, env, flags: { 'rpc.port': '4200' } });
    expect([config.rpc.port, origins.get('rpc.port')]).toEqual([4200, 'flag']);
    expect([config.logLevel, origins.get('logLevel')]).toEqual(['error', 'environment']);
    expect([config.trainerThreads, origins.get('trainerThreads')]).toEqual([2, 'file']);
    expect([config.readyBehindHeights, origins.get('readyBehindHeights')]).toEqual([16, 'default']);
  });

  it('read lists, nothing and JSON from texts', () => {
    const peers = [{ publicKey: 'ab'.repeat(32), addresses: ['/dns4/south.example/tcp/4001'] }];
    const env = {
      CONSILIUM_LISTEN: '/ip4/0.0.0.0/tcp/4001,/ip6/::/tcp/4001',
      CONSILIUM_DEVICES_DIR: 'none',
      CONSILIUM_DEVICE_NODES: '',
      CONSILIUM_PEERS: JSON.stringify(peers),
    };
    const { config } = loadSettings({ file: write({ ...node, devicesDir: 'devices' }), env });
    expect(config).toMatchObject({
      listen: ['/ip4/0.0.0.0/tcp/4001', '/ip6/::/tcp/4001'],
      devicesDir: null,
      deviceNodes: [],
      peers,
    });
  });

  it('begin paths of the file at its folder, the others at the working directory', () => {
    const env = { CONSILIUM_DATA_DIR: 'elsewhere' };
    const { config } = loadSettings({ file: write(node), env, flags: { genesis: '/g.json' } });
    expect(config.keystore).toBe(join(dir, 'keystore.json'));
    expect(config.dataDir).toBe(join(process.cwd(), 'elsewhere'));
    expect(config.genesis).toBe('/g.json');
  });

  it.each([
    [
      { ...node, trainerTreads: 1 },
      {},
      /config\.json: there is no setting trainerTreads: did you mean trainerThreads\?/,
    ],
    [
      { ...node, rpc: { ...node.rpc, prot: 1 } },
      {},
      /there is no setting rpc\.prot: did you mean rpc\.port\?/,
    ],
    [{ ...node, somethingQuiteElse: 1 }, {}, /there is no setting somethingQuiteElse$/],
    [node, { CONSILIUM_RPC_PROT: '1' }, /^CONSILIUM_RPC_PROT: .*did you mean CONSILIUM_RPC_PORT\?/],
    [node, { CONSILIUM_SOMETHING_ELSE: '1' }, /^CONSILIUM_SOMETHING_ELSE: .*config explain/],
    [node, { CONSILIUM_RPC_PORT: 'many' }, /^CONSILIUM_RPC_PORT: /],
    [node, { CONSILIUM_RPC_PORT: '70000' }, /^CONSILIUM_RPC_PORT: .*65535/],
    [node, { CONSILIUM_PEERS: '[{' }, /^CONSILIUM_PEERS: is not JSON/],
    [{ ...node, rpc: { host: '127.0.0.1', port: 0 } }, {}, /config\.json: rpc\.port: /],
    [{ ...node, name: undefined }, {}, /config\.json: name: it is missing \(or set CONSILIUM_NAME\)/],
    [[], {}, /it must be a JSON object/],
  ])('are refused with their source, and what may be meant: %#', (content, env, says) => {
    expect(faultOf(() => loadSettings({ file: write(content), env }))).toMatch(says);
  });

  it('have a meaning, bounds, a variable and a flag of their own each', () => {
    for (const { path, meaning, bounds } of settings) {
      expect([path, meaning.length > 10, bounds.length > 3]).toEqual([path, true, true]);
    }
    const byFile = settings.filter(({ env }) => env === null).map(({ path }) => path);
    expect(byFile).toEqual(['attack']);
    for (const of of ['env', 'flag'] as const) {
      const names = settings.flatMap((each) => each[of] ?? []);
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it('of a person’s shell are kept from the nodes of a local network', () => {
    const env = { PATH: '/bin', CONSILIUM_RPC_PORT: '1', CONSILIUM_CONFIG: 'x', CONSILIUM_DEBUG: '1' };
    expect(withoutSettings(env)).toEqual({ PATH: '/bin', CONSILIUM_DEBUG: '1' });
  });
});

describe('config explain', () => {
  it('shows every setting with value, source, default, bounds and meaning, as text and as JSON', async () => {
    const file = write({ ...node, retention: 'window' });
    const json = await runProgram('config', 'explain', '--config', file, '--log-level', 'debug', '--json');
    const rows = JSON.parse(json.out) as ReturnType<typeof explainSettings>;
    expect(rows.map(({ setting }) => setting)).toEqual(settings.map(({ path }) => path));
    expect(rows.find(({ setting }) => setting === 'logLevel')).toEqual({
      setting: 'logLevel',
      value: 'debug',
      from: 'flag',
      by: '--log-level',
      default: 'info',
      required: false,
      unit: null,
      bounds: 'debug, info, warn, error',
      meaning: 'the least level that is logged',
      env: 'CONSILIUM_LOG_LEVEL',
      flag: '--log-level',
    });
    const { out } = await runProgram('config', 'explain', '--config', file);
    expect(out).toMatch(/^retention +window +file$/m);
    expect(out).toMatch(/^readyBehindHeights +16 heights +default$/m);
    expect(out).toContain('0 to 1000000; default 16; CONSILIUM_READY_BEHIND_HEIGHTS, --ready-behind-heights');
  });

  it('shows no password that stands in a URL', () => {
    const file = write({ ...node, deviceNodes: ['http://ward:swordfish@10.0.0.7:4002'] });
    const text = JSON.stringify(explainSettings(loadSettings({ file })));
    expect(text).not.toContain('swordfish');
    expect(text).toContain('http://***@10.0.0.7:4002');
  });

  it('refuses a flag that does not fit as any other option, and asks for a file', async () => {
    const bad = await runProgram('config', 'explain', '--config', write(node), '--rpc-port', '99999');
    expect(bad).toMatchObject({ exit: 'usage' });
    expect(bad.message).toMatch(/--rpc-port/);
    expect((await runProgram('config', 'explain')).message).toMatch(/--config FILE, or set CONSILIUM_CONFIG/);
  });
});

describe('did you mean', () => {
  it.each([
    ['prot', 'port'],
    ['dataDirr', 'dataDir'],
    ['LISTEN', 'listen'],
    ['zzzzzz', null],
  ])('%s: %s', (word, wanted) => {
    expect(nearest(word, ['port', 'dataDir', 'listen', 'host'])).toBe(wanted);
  });
});
