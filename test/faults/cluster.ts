import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesToHex } from '../../crypto/index.js';
import { chainIdOf, type Genesis, genesisValue } from '../../genesis/index.js';
import {
  LOCAL_LEVEL,
  type Network,
  type NetworkFolder,
  newKeys,
  openFolder,
  openNetwork,
  prepareData,
  provisionNetwork,
  readGenesis,
  seedFor,
} from '../../node/provision/index.js';
import { type Client, createClient } from '../../node/rpc/index.js';
import type { NodeConfig } from '../../node/settings/index.js';
import { killNodeProcess, type NodeProcess, startNodeProcess } from '../../node/testnet/index.js';
import { root } from '../support/root.js';
import { clockImport, setClock } from './clock.js';
import { Links } from './links.js';
import { wireNamespaces } from './namespaces.js';
import { portOf, type Wiring, wireProxies } from './wiring.js';

const programFile = join(root, 'dist', 'node', 'cli', 'main.js');

const READY_MS = 120_000;
/** A node that is stopped or busy does not answer: then the client asks another one. */
const CALL_MS = 4_000;

/** What lies between the nodes: proxies in this process, or network namespaces. */
export type Fabric = 'proxies' | 'namespaces';

export interface ClusterOptions {
  readonly members: number;
  /** Accounts that the load signs for: devices that no node hosts. */
  readonly accounts: number;
  /** Each hospital hosts one device that trains. */
  readonly training: boolean;
  readonly fabric: Fabric;
}

export interface Account {
  readonly name: string;
  /** 32-byte seed. */
  readonly secret: Uint8Array;
}

/**
 * A provisioned network of real validator processes. What passes between two of them obeys `links`; clients reach
 * each node's RPC whatever those say.
 */
export interface Cluster {
  readonly network: Network;
  readonly members: number;
  readonly clients: readonly Client[];
  readonly accounts: readonly Account[];
  /** Of the data that hosted devices hold. */
  readonly schema: unknown;
  readonly links: Links;
  /** What ended by itself, with the last that it said. */
  readonly crashes: readonly string[];
  start(node: number): Promise<void>;
  /** kill -9. */
  kill(node: number): Promise<void>;
  pause(node: number): void;
  resume(node: number): void;
  /** Sets how much more the node's wall clock shows. */
  skew(node: number, ms: number): void;
  /** Ends every process; keeps or removes the folder with their logs. */
  close(keep: boolean): Promise<void>;
  readonly folder: string;
}

export async function createCluster(options: ClusterOptions): Promise<Cluster> {
  const { members, accounts, training, fabric } = options;
  const folder = mkdtempSync(join(tmpdir(), 'consilium-faults-'));
  const provisioned = await provisionNetwork({
    dir: join(folder, 'network'),
    name: 'faults',
    time: Date.now(),
    validators: members,
    devices: 1,
    data: prepareData({
      csv: readFileSync(join(root, 'datasets', 'pima.csv'), 'utf8'),
      schema: readSchema(),
      label: null,
      seed: seedFor('split', 'faults'),
      devices: members,
    }),
    epsilonMicro: 6_000_000,
    deltaPico: 100_000_000,
    seed: 'faults',
  });
  const links = new Links();
  const wiring =
    fabric === 'proxies' ? await wireProxies(provisioned, links) : wireNamespaces(provisioned, links);
  try {
    configure(provisioned, wiring, training);
    const { network, people } = withAccounts(openFolder(provisioned.dir), accounts);
    return new Processes(folder, network, links, wiring, people);
  } catch (error) {
    await wiring.close();
    throw error;
  }
}

class Processes implements Cluster {
  readonly schema = readSchema();
  readonly members: number;
  readonly clients: readonly Client[];
  readonly crashes: string[] = [];
  readonly #running = new Map<number, NodeProcess>();
  /** Continue a stopped process if this one ends without doing so: else it would stay for ever. */
  readonly #guards = new Map<number, ChildProcess>();

  constructor(
    readonly folder: string,
    readonly network: Network,
    readonly links: Links,
    readonly wiring: Wiring,
    readonly accounts: readonly Account[],
  ) {
    this.members = network.file.nodes.length;
    this.clients = network.file.nodes.map(({ rpc }) => createClient(rpc, { timeoutMs: CALL_MS, retries: 0 }));
  }

  async start(node: number): Promise<void> {
    const clock = clockImport(this.#skewFile(node));
    const program = [...this.wiring.prefix(node), process.execPath, '--import', clock, programFile];
    const options = { withParent: true, readyTimeoutMs: READY_MS, program };
    const started = await startNodeProcess(this.network, this.#name(node), options);
    this.#running.set(node, started);
    void started.exited.then(() => {
      if (this.#running.get(node) !== started) return; // we ended it
      this.#running.delete(node);
      this.crashes.push(`${this.#name(node)} ended by itself: ${this.#lastWords(node)}`);
    });
  }

  async kill(node: number): Promise<void> {
    this.#running.delete(node);
    await killNodeProcess(this.network, this.#name(node));
    this.#dismissGuard(node);
  }

  pause(node: number): void {
    const running = this.#running.get(node);
    if (running === undefined) return;
    const guard = spawn('sh', ['-c', `read _; kill -CONT ${running.pid}`], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#guards.set(node, guard);
    process.kill(running.pid, 'SIGSTOP');
  }

  resume(node: number): void {
    const running = this.#running.get(node);
    if (running !== undefined) process.kill(running.pid, 'SIGCONT');
    this.#dismissGuard(node);
  }

  skew(node: number, ms: number): void {
    setClock(this.#skewFile(node), ms);
  }

  async close(keep: boolean): Promise<void> {
    await Promise.all(this.network.file.nodes.map((_, node) => this.kill(node)));
    await this.wiring.close();
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }

  #name(node: number): string {
    return this.network.file.nodes[node]!.name;
  }

  #skewFile(node: number): string {
    return join(this.network.dir, this.network.file.nodes[node]!.folder, 'skew');
  }

  #lastWords(node: number): string {
    const log = join(this.network.dir, this.network.file.nodes[node]!.folder, 'node.log');
    return readFileSync(log, 'utf8').trim().split('\n').slice(-3).join(' | ');
  }

  #dismissGuard(node: number): void {
    this.#guards.get(node)?.kill('SIGKILL');
    this.#guards.delete(node);
  }
}

function readSchema(): unknown {
  return JSON.parse(readFileSync(join(root, 'datasets', 'pima.schema.json'), 'utf8'));
}

/** Writes into every node's configuration, and into the network's, where nodes are reached. */
function configure(network: Network, wiring: Wiring, training: boolean): void {
  const { nodes } = network.file;
  const placed = nodes.map((node, i) => {
    const { p2p, rpc } = wiring.host(i);
    const url = new URL(node.rpc);
    return { ...node, p2p: `/ip4/${p2p}/tcp/${portOf(node.p2p)}`, rpc: `http://${rpc}:${url.port}` };
  });
  for (const [from, { folder, p2p, rpc }] of placed.entries()) {
    const file = join(network.dir, folder, 'config.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as NodeConfig;
    const peers = config.peers.map((peer) => {
      const to = nodes.findIndex(({ publicKey }) => publicKey === peer.publicKey);
      return { ...peer, addresses: [wiring.address(from, to)] };
    });
    const changed: NodeConfig = {
      ...config,
      peers,
      listen: [p2p],
      rpc: { ...config.rpc, host: wiring.host(from).rpc },
      devicesDir: training ? config.devicesDir : null,
      deviceNodes: [rpc],
    };
    writeFileSync(file, JSON.stringify(changed));
  }
  writeFileSync(join(network.dir, 'network.json'), JSON.stringify({ ...network.file, nodes: placed }));
}

/** The same network under a genesis with further devices, whose keys nobody but the load has. */
function withAccounts(
  network: NetworkFolder,
  count: number,
): { network: Network; people: readonly Account[] } {
  const genesisFile = join(network.dir, 'genesis.json');
  const genesis = readGenesis(genesisFile);
  const hospital = network.file.nodes[0]!.name;
  const people = Array.from({ length: count }, (_, i) => ({ name: `load-${i + 1}`, keys: newKeys('other') }));
  const accounts = people.map(({ name, keys }) => ({
    publicKey: bytesToHex(keys.publicKey),
    role: 'device' as const,
    name,
    hospital,
    level: LOCAL_LEVEL,
    vrfPublicKey: null,
  }));
  const larger: Genesis = { ...genesis, accounts: [...genesis.accounts, ...accounts] };
  writeFileSync(genesisFile, JSON.stringify(larger));
  const chainId = bytesToHex(chainIdOf(genesisValue(larger)));
  writeFileSync(join(network.dir, 'network.json'), JSON.stringify({ ...network.file, chainId }));
  return {
    network: openNetwork(network.dir),
    people: people.map(({ name, keys }) => ({ name, secret: keys.secrets.sign! })),
  };
}
