import { closeSync, openSync, readFileSync, readSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bytesToHex } from '../../crypto/index.js';
import { chainIdOf, type Genesis, genesisValue } from '../../genesis/index.js';
import {
  LOCAL_LEVEL,
  type Network,
  openNetwork,
  prepareData,
  provisionNetwork,
} from '../../node/provision/index.js';
import { createClient } from '../../node/rpc/index.js';
import {
  killNodeProcess,
  type NodeProcess,
  startNodeProcess,
  stopNodeProcess,
} from '../../node/testnet/index.js';
import { loadAccount } from './dialect.js';
import type { Progress, System } from './system.js';

export interface ConsiliumOptions {
  readonly validators: number;
  readonly accounts: number;
  /** Where the first node leaves a CPU profile; null: nowhere. */
  readonly profileDir: string | null;
}

/** Validators of this very build as processes on loopback, without devices; genesis holds the load's accounts. */
export async function startConsilium(options: ConsiliumOptions): Promise<System> {
  const root = await mkdtemp(join(tmpdir(), 'consilium-bench-'));
  const dir = join(root, 'network');
  await provision(dir, options);
  const network = openNetwork(dir);
  const names = network.file.nodes.map(({ name }) => name);
  const started: NodeProcess[] = [];
  let startedAt = 0;
  const close = async () => {
    await Promise.all(started.map(({ name }) => stopNodeProcess(network, name)));
    rmSync(root, { recursive: true, force: true });
  };
  try {
    startedAt = performance.now();
    const starts = names.map((name, index) =>
      startNodeProcess(network, name, {
        withParent: true,
        ...(index === 0 && options.profileDir !== null ? { program: profiled(options.profileDir) } : {}),
      }),
    );
    for (const result of await Promise.allSettled(starts)) {
      if (result.status === 'fulfilled') started.push(result.value);
      else throw result.reason;
    }
    await connected(network);
  } catch (error) {
    await Promise.all(names.map((name) => killNodeProcess(network, name)));
    rmSync(root, { recursive: true, force: true });
    throw error;
  }
  const urls = network.file.nodes.map(({ rpc }) => rpc);
  return {
    name: 'consilium',
    dialect: 'consilium',
    chainId: bytesToHex(network.chainId),
    urls,
    startedAt,
    processes: started,
    progress: followLog(join(dir, network.file.nodes[0]!.folder, 'node.log')),
    finality: () => finalityOf(urls),
    close,
  };
}

function profiled(dir: string): readonly string[] {
  const cli = fileURLToPath(new URL('../../node/cli/main.js', import.meta.url));
  return [process.execPath, '--cpu-prof', `--cpu-prof-dir=${dir}`, cli];
}

/** Provisions with one device each, as provisioning wants it, then writes a genesis with load accounts instead. */
async function provision(dir: string, { validators, accounts }: ConsiliumOptions): Promise<void> {
  const rows = Array.from({ length: 10 * validators }, (_, i) => `${i},${i % 2}`);
  const csv = `a,y\n${rows.join('\n')}\n`;
  await provisionNetwork({
    dir,
    name: 'bench',
    time: Date.now(),
    validators,
    devices: 1,
    data: prepareData({ csv, schema: null, label: 'y', seed: new Uint8Array(32), devices: validators }),
    epsilonMicro: 0,
    deltaPico: 0,
    seed: 'bench',
  });
  const genesisFile = join(dir, 'genesis.json');
  const genesis = JSON.parse(readFileSync(genesisFile, 'utf8')) as Genesis;
  const load = Array.from({ length: accounts }, (_, index) => ({
    publicKey: bytesToHex(loadAccount(index).publicKey),
    role: 'publisher' as const,
    name: `load-${index}`,
    hospital: '',
    level: LOCAL_LEVEL,
    vrfPublicKey: null,
  }));
  const kept = genesis.accounts.filter(({ role }) => role !== 'device');
  const changed: Genesis = { ...genesis, accounts: [...kept, ...load] };
  writeFileSync(genesisFile, JSON.stringify(changed));
  const chainId = bytesToHex(chainIdOf(genesisValue(changed)));
  edit(join(dir, 'network.json'), (file) => ({ ...file, chainId, devices: [] }));
  for (let index = 1; index <= validators; index += 1) {
    edit(join(dir, 'nodes', `hospital-${index}`, 'config.json'), (file) => ({ ...file, devicesDir: null }));
  }
}

function edit(file: string, change: (json: object) => object): void {
  writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8')) as object)));
}

/** Every node has a link to every other. */
async function connected({ file }: Network): Promise<void> {
  const clients = file.nodes.map(({ rpc }) => createClient(rpc));
  const until = performance.now() + 30_000;
  for (;;) {
    const states = await Promise.all(clients.map((client) => client.call('node.status', {})));
    if (states.every(({ peers }) => peers === clients.length - 1)) return;
    if (performance.now() > until) throw new Error('the validators did not connect within 30 s');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Counts commits in a node's structured log: costs the node nothing that it doesn't do anyway. */
function followLog(file: string): () => Promise<Progress> {
  let at = 0;
  let rest = '';
  let progress: Progress = { transactions: 0, height: 0, emptyBlocks: 0 };
  return async () => {
    const size = statSync(file).size;
    const bytes = Buffer.alloc(size - at);
    const handle = openSync(file, 'r');
    try {
      at += readSync(handle, bytes, 0, bytes.length, at);
    } finally {
      closeSync(handle);
    }
    const lines = (rest + bytes.toString('latin1')).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      if (!line.includes('"event":"commit"')) continue;
      const { height, transactions, empty } = JSON.parse(line) as CommitLine;
      progress = {
        transactions: progress.transactions + transactions,
        height,
        emptyBlocks: progress.emptyBlocks + (empty ? 1 : 0),
      };
    }
    return progress;
  };
}

interface CommitLine {
  readonly height: number;
  readonly transactions: number;
  readonly empty: boolean;
}

async function finalityOf(urls: readonly string[]): Promise<{ p50: number; p95: number }> {
  const states = await Promise.all(urls.map((url) => createClient(url).call('node.status', {})));
  const worst = (name: string) =>
    Math.max(...states.map(({ metrics }) => (metrics.finalityCount === 0 ? Number.NaN : metrics[name]!)));
  return { p50: worst('finalityMsP50'), p95: worst('finalityMsP95') };
}
