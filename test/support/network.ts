import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  decodeCertificate,
  nonceCell,
  payloadId,
  readState,
  signTransaction,
  type Transaction,
} from '../../chain/index.js';
import { runClosing } from '../../contracts/index.js';
import { bytesToHex, hexToBytes } from '../../crypto/index.js';
import { type ChainStart, startChain } from '../../genesis/index.js';
import { createMemoryNetwork, type NetLimits, type Transport } from '../../net/index.js';
import type { Certifier } from '../../node/driver/certifier.js';
import type { Clock } from '../../node/driver/clock.js';
import type { OffenceFile } from '../../node/driver/offences.js';
import { createLogger, type Logger } from '../../node/log.js';
import { Node } from '../../node/node.js';
import { openStore, type Store } from '../../node/store/index.js';
import type { TestChain } from './chain.js';
import { type Person, person, testGenesis } from './genesis.js';

/** A real node with a real store, not started yet. */
export interface TestNode {
  readonly node: Node;
  readonly transport: Transport;
  readonly store: Store;
  /** What it had to stop for. */
  readonly failures: Error[];
}

export interface TestNodeOptions {
  readonly chain: ChainStart;
  readonly who: Person;
  /** Folder of its store, new or left by another node. */
  readonly path: string;
  readonly transport: Transport;
  readonly clock?: Clock;
  readonly certifier?: Certifier;
  readonly log?: Logger;
  /** Puts something between the node and its store. */
  readonly wrapStore?: (store: Store) => Store;
  readonly offences?: OffenceFile;
  readonly retention?: 'all' | 'window';
  readonly blockSpacingMs?: number;
}

export async function openNode({
  chain,
  who,
  path,
  transport,
  clock,
  certifier,
  log,
  wrapStore = (store) => store,
  offences,
  retention = 'all',
  blockSpacingMs = 0,
}: TestNodeOptions): Promise<TestNode> {
  const { chainId, tip } = chain;
  const store = await openStore({ path, chainId, genesisState: tip.state, create: true });
  const failures: Error[] = [];
  const node = new Node({
    chain,
    store: wrapStore(store),
    transport,
    closer: { run: async (job) => runClosing(job), propose: (closings) => closings, close: async () => {} },
    keys: { secret: who.secret, vrfSecret: who.vrfSecret },
    log: log ?? createLogger('error', (line) => process.stderr.write(`${who.name} ${line}`)),
    onFatal: (error) => void failures.push(error),
    retention,
    blockSpacingMs,
    ...(clock && { clock }),
    ...(certifier && { certifier }),
    ...(offences && { offences }),
  });
  return { node, transport, store, failures };
}

/** Every transport lists all the others, and all `keys` beside. */
export function introduce(transports: readonly Transport[], keys: readonly string[] = []): void {
  const peers = [
    ...transports.map((transport) => ({ key: transport.self, addresses: transport.addresses() })),
    ...keys.map((key) => ({ key, addresses: [] })),
  ];
  for (const transport of transports) transport.setPeers(peers);
}

/** Writes a chain made without a network into the folder of a store, from the first block or from `from` on. */
export async function writeChain(test: TestChain, path: string, upTo = test.blocks.length): Promise<void> {
  const { chainId, tip } = test.chain;
  const store = await openStore({ path, chainId, genesisState: tip.state, create: true });
  for (const [id, payload] of test.payloads) await store.putPayload(hexToBytes(id), payload);
  for (let at = store.head.height; at < upTo; at += 1) {
    const { block, hash, executed } = test.blocks[at]!;
    const { chainId: _, ...certificate } = decodeCertificate(test.entries[at]!.certificate);
    await store.commit({ ...executed, block, hash, certificate });
  }
  await store.close();
}

export async function tempFolder() {
  const path = await mkdtemp(join(tmpdir(), 'consilium-test-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

export interface TestNetworkOptions {
  readonly limits?: Partial<NetLimits>;
  readonly clock?: Clock;
  readonly onError?: (error: Error) => void;
  readonly log?: Logger;
  /** Puts something between a node and its transport. */
  readonly wrap?: (transport: Transport) => Transport;
  /** What the first node's last life left. */
  readonly offences?: OffenceFile;
  readonly blockSpacingMs?: number;
}

/**
 * Real nodes with real stores on the memory transport. `close` ends and removes everything. `outsiders` get a
 * transport each, linked to all, and nothing behind it: what they say is up to the test.
 */
export async function testNetwork(
  chain: ChainStart,
  validators: readonly Person[],
  outsiders: readonly Person[] = [],
  {
    limits = {},
    clock,
    onError,
    log,
    wrap = (transport) => transport,
    offences,
    blockSpacingMs = 0,
  }: TestNetworkOptions = {},
) {
  const folder = await tempFolder();
  const network = createMemoryNetwork({ limits, ...(onError && { onError }) });
  const opened = await Promise.all(
    validators.map((who, i) =>
      openNode({
        chain,
        who,
        path: join(folder.path, who.name),
        transport: wrap(network.transport(who.secret)),
        blockSpacingMs,
        ...(clock && { clock }),
        ...(log && { log }),
        ...(offences && i === 0 && { offences }),
      }),
    ),
  );
  const nodes = opened.map(({ node }) => node);
  await Promise.all(nodes.map((node) => node.start()));
  const outside = outsiders.map(({ secret }) => network.transport(secret));
  await Promise.all(outside.map((transport) => transport.start()));
  introduce([...opened.map(({ transport }) => transport), ...outside]);
  return {
    network,
    outsiders: outside,
    opened,
    nodes,
    get failures(): readonly Error[] {
      return opened.flatMap(({ failures }) => failures);
    },
    close: async () => {
      await Promise.all(outside.map((transport) => transport.stop()));
      await Promise.all(nodes.map((node) => node.close()));
      await folder.remove();
    },
  };
}

/** Signs with the sender's next nonce as `node` knows it. */
export function sign(
  node: Node,
  from: Person,
  call: Pick<Transaction, 'contract' | 'method' | 'args' | 'level'>,
  payloads: readonly Uint8Array[] = [],
): Transaction {
  const { chainId, state } = node.tip;
  const nonce = nonceCell.get(readState(state), bytesToHex(from.publicKey)) ?? 0;
  const refs = payloads.map((payload) => ({ id: payloadId(payload), size: payload.length }));
  return signTransaction({ chainId, from: from.publicKey, nonce, payloads: refs, ...call }, from.secret);
}

/** Waits until `holds` is true at some head, or fails after `timeoutMs`. */
export async function until(node: Node, holds: () => boolean, timeoutMs = 20_000): Promise<void> {
  const end = Date.now() + timeoutMs;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms in vain at height ${node.tip.height}`);
    await node.waitForChange({ height: node.tip.height }, 50);
  }
}

/** Waits, turn by turn of the event loop, until `holds`; fails after `timeoutMs`. */
export async function eventually(what: string, holds: () => boolean, timeoutMs = 25_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export { type Person, person, startChain, testGenesis };
