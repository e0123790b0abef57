import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exitCodes } from '../../node/cli/exitCodes.js';
import { freePorts } from '../../node/provision/index.js';
import { openDatabase, write } from '../../node/store/database.js';
import { key } from '../../node/store/entries.js';
import { type Hospitals, program, provisionHospitals, reached } from '../support/processes.js';

let hospitals: Hospitals;
let folder: string;
let hash: string;

/** One validator alone, with a few blocks behind it, stopped. */
beforeAll(async () => {
  hospitals = await provisionHospitals(1, 1, { heartbeatMs: 100 });
  folder = join(hospitals.network.dir, hospitals.network.file.nodes[0]!.folder);
  await hospitals.start();
  await reached(hospitals.clients[0]!, 5);
  ({ hash } = await hospitals.clients[0]!.call('chain.block', { height: 5 }));
  await hospitals.stop(hospitals.names);
});

afterAll(() => hospitals.close());

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `node start` until it ends by itself. One that says it is ready has not failed: it is ended. */
async function start(config = join(folder, 'config.json')): Promise<Ended> {
  const [command, ...first] = program;
  const child = spawn(command, [...first, 'node', 'start', '--config', config], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.once('data', () => child.kill('SIGKILL'));
  const [out, err, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ]);
  return { code, out, err };
}

/** The exit code of this fault, one sentence for people, and nothing of our insides. */
function expectFault({ code, out, err }: Ended, exit: keyof typeof exitCodes, says: RegExp): void {
  expect(out).toBe('');
  expect(err).toMatch(says);
  expect(code).toBe(exitCodes[exit]);
  expect(err).not.toMatch(/^\s+at .*:\d+/m);
  expect(err).not.toContain('node:internal');
}

/** A configuration beside the real one, so that its relative paths stay right. */
function configWith(change: (config: Record<string, unknown>) => Record<string, unknown>): string {
  const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;
  const file = join(folder, 'other-config.json');
  writeFileSync(file, JSON.stringify(change(config)));
  return file;
}

describe('a node that cannot start', () => {
  it.each(['rpc', 'p2p'] as const)('names the %s port that is in use', async (which) => {
    const { rpc, p2p } = hospitals.network.file.nodes[0]!;
    const port = Number(which === 'rpc' ? new URL(rpc).port : p2p.split('/').at(-1));
    const server = createServer().listen({ host: '127.0.0.1', port, exclusive: true });
    await once(server, 'listening');
    try {
      expectFault(await start(), 'port-in-use', new RegExp(`${port}.*in use`, 's'));
    } finally {
      server.close();
      await once(server, 'close');
    }
  });

  it('refuses a folder whose chain belongs to another genesis', async () => {
    const genesis = JSON.parse(readFileSync(hospitals.network.genesisFile, 'utf8')) as { name: string };
    const other = join(folder, 'other-genesis.json');
    writeFileSync(other, JSON.stringify({ ...genesis, name: 'another' }));
    const config = configWith((known) => ({ ...known, genesis: other }));
    expectFault(await start(config), 'other-genesis', /belongs to another chain.*or another folder/s);
  });

  it.each([
    ['is no JSON', '{"version": 1,'],
    ['lacks a field', '{"version": 1, "name": "x"}'],
  ])('refuses a genesis that %s, and says where', async (_, content) => {
    const bad = join(folder, 'bad-genesis.json');
    writeFileSync(bad, content);
    const config = configWith((known) => ({ ...known, genesis: bad }));
    expectFault(await start(config), 'bad-genesis', /bad-genesis\.json is not a genesis/);
  });

  it('refuses a configuration that does not fit, with the place in it', async () => {
    const config = configWith((known) => ({ ...known, trainerThreads: 'two' }));
    expectFault(await start(config), 'bad-config', /trainerThreads/);
    expectFault(
      await start(join(folder, 'missing.json')),
      'bad-config',
      /missing\.json: there is no such file/,
    );
  });

  it('does not run on a damaged chain, and says what to do', async () => {
    const dataDir = join(folder, 'damaged');
    cpSync(join(folder, 'data'), dataDir, { recursive: true });
    // One entry is gone, as LevelDB loses them without a word when its disk does (test/unit/node/store has more).
    const database = await openDatabase(dataDir, false);
    await write(database, [[{ type: 'del', key: key.height(3) }]]);
    await database.close();
    const config = configWith((known) => ({ ...known, dataDir }));
    expectFault(await start(config), 'bad-folder', /is damaged at height 3: .*consilium chain repair/s);
  });

  it('does not share its folder with another process', async () => {
    await hospitals.start();
    const [rpcPort, p2pPort] = await freePorts(2);
    const config = configWith((known) => ({
      ...known,
      rpc: { host: '127.0.0.1', port: rpcPort },
      listen: [`/ip4/127.0.0.1/tcp/${p2pPort}`],
    }));
    expectFault(await start(config), 'bad-folder', /another process/);
    await hospitals.stop(hospitals.names);
  });

  it('loses nothing by all that: with what it needs it goes on where it was', async () => {
    await hospitals.start();
    expect((await hospitals.clients[0]!.call('chain.block', { height: 5 })).hash).toBe(hash);
    await reached(hospitals.clients[0]!, 6);
  });
});
