import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freePorts, type Network } from '../../../../node/provision/index.js';
import {
  killNodeProcess,
  nodePid,
  startNodeProcess,
  startTestnet,
  stopNodeProcess,
  stopTestnet,
  TestnetError,
} from '../../../../node/testnet/index.js';

const standIn = fileURLToPath(new URL('./standIn.mjs', import.meta.url));
const as = (behaviour: string): { withParent: boolean; program: string[] } => ({
  withParent: false,
  program: [process.execPath, standIn, behaviour],
});

let network: Network;
beforeEach(async () => {
  const dir = mkdtempSync(join(tmpdir(), 'consilium-testnet-'));
  const ports = await freePorts(4);
  const nodes = [0, 1].map((index) => ({
    name: `hospital-${index + 1}`,
    folder: `nodes/hospital-${index + 1}`,
    rpc: `http://127.0.0.1:${ports[2 * index]}`,
    p2p: `/ip4/127.0.0.1/tcp/${ports[2 * index + 1]}`,
    publicKey: '00'.repeat(32),
  }));
  for (const { folder } of nodes) mkdirSync(join(dir, folder), { recursive: true });
  const publisher = { name: 'publisher', keystore: 'publisher/keystore.json' };
  const file = { version: 1 as const, name: 'n', chainId: '00'.repeat(32), nodes, publisher, devices: [] };
  network = { dir, file, genesisFile: join(dir, 'genesis.json'), chainId: new Uint8Array(32) };
});
afterEach(async () => {
  await stopTestnet(network);
  rmSync(network.dir, { recursive: true, force: true });
});

async function faultOf(work: Promise<unknown>): Promise<TestnetError> {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof TestnetError) return error;
  throw error ?? new Error('nothing was thrown');
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('startNodeProcess', () => {
  it('waits for the ready line and records the process', async () => {
    const started = await startNodeProcess(network, 'hospital-1', as('good'));
    expect(nodePid(network, 'hospital-1')).toBe(started.pid);
    expect(nodePid(network, 'hospital-2')).toBeNull();
    expect(alive(started.pid)).toBe(true);
    expect((await faultOf(startNodeProcess(network, 'hospital-1', as('good')))).code).toBe('already-running');
  });

  it('tells a process that ends early, with its exit code and what it logged', async () => {
    const fault = await faultOf(startNodeProcess(network, 'hospital-1', as('fail')));
    expect([fault.code, fault.exitCode]).toEqual(['node-failed', 3]);
    expect(fault.message).toContain('the disk is full');
    expect(existsSync(join(network.dir, 'nodes/hospital-1/node.pid'))).toBe(false);
  });

  it('gives up on a process that never is ready, and ends it', async () => {
    const options = { ...as('silent'), readyTimeoutMs: 300 };
    expect((await faultOf(startNodeProcess(network, 'hospital-1', options))).code).toBe('not-ready');
    expect(nodePid(network, 'hospital-1')).toBeNull();
  });

  it('ends the process when the waiting is called off', async () => {
    const signal = AbortSignal.abort(new Error('called off'));
    await expect(startNodeProcess(network, 'hospital-1', { ...as('silent'), signal })).rejects.toThrow(
      'called off',
    );
    expect(nodePid(network, 'hospital-1')).toBeNull();
  });

  it('tells a program that cannot be started', async () => {
    const options = { withParent: false, program: [join(network.dir, 'nothing')] };
    expect((await faultOf(startNodeProcess(network, 'hospital-1', options))).code).toBe('node-failed');
  });

  it('names the port that is in use, before anything is started', async () => {
    const server = createServer();
    server.listen({ host: '127.0.0.1', port: Number(network.file.nodes[0]!.p2p.split('/').at(-1)) });
    await once(server, 'listening');
    const fault = await faultOf(startNodeProcess(network, 'hospital-1', as('good')));
    server.close();
    expect(fault.code).toBe('port-in-use');
    expect(fault.message).toContain(network.file.nodes[0]!.p2p.split('/').at(-1));
    expect(existsSync(join(network.dir, 'nodes/hospital-1/node.log'))).toBe(false);
  });

  it('knows its validators', async () => {
    expect((await faultOf(startNodeProcess(network, 'hospital-9', as('good')))).code).toBe('unknown-node');
  });
});

describe('stopping', () => {
  it('ends the process and forgets it', async () => {
    const { pid, exited } = await startNodeProcess(network, 'hospital-1', as('good'));
    expect(await stopNodeProcess(network, 'hospital-1')).toBe(true);
    await exited;
    expect(alive(pid)).toBe(false);
    expect(await stopNodeProcess(network, 'hospital-1')).toBe(false);
  });

  it('kills, and starts again after that', async () => {
    const first = await startNodeProcess(network, 'hospital-1', as('stubborn'));
    expect(await killNodeProcess(network, 'hospital-1')).toBe(true);
    const second = await startNodeProcess(network, 'hospital-1', as('good'));
    expect(second.pid).not.toBe(first.pid);
  });

  it('never ends a process that merely has the recorded id', async () => {
    const bystander = spawn(process.execPath, [standIn, 'silent'], { stdio: 'ignore' });
    await once(bystander, 'spawn');
    const file = join(network.dir, 'nodes/hospital-1/node.pid');
    writeFileSync(file, JSON.stringify({ pid: bystander.pid, started: 'another time' }));
    expect(await stopNodeProcess(network, 'hospital-1')).toBe(false);
    expect(await killNodeProcess(network, 'hospital-1')).toBe(false);
    expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    expect(alive(bystander.pid!)).toBe(true);
    bystander.kill('SIGKILL');
    await once(bystander, 'exit');
  });
});

describe('startTestnet', () => {
  it('starts what does not run and stops all', async () => {
    await startNodeProcess(network, 'hospital-2', as('good'));
    const started = await startTestnet(network, as('good'));
    expect(started.map(({ name }) => name)).toEqual(['hospital-1']);
    expect(await stopTestnet(network)).toEqual(['hospital-1', 'hospital-2']);
    expect(await stopTestnet(network)).toEqual([]);
  });

  it('stops the others when one fails', async () => {
    const server = createServer();
    server.listen({ host: '127.0.0.1', port: Number(new URL(network.file.nodes[1]!.rpc).port) });
    await once(server, 'listening');
    expect((await faultOf(startTestnet(network, as('good')))).code).toBe('port-in-use');
    server.close();
    expect(nodePid(network, 'hospital-1')).toBeNull();
    expect(readFileSync(join(network.dir, 'nodes/hospital-1/node.log'), 'utf8')).toBe('');
  });
});
