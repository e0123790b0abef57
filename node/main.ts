import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readState } from '../chain/index.js';
import { bytesToHex, publicKeyOf } from '../crypto/index.js';
import { type ChainStart, parseGenesis, startChain } from '../genesis/index.js';
import { createLibp2pTransport } from '../net/index.js';
import { makeAdminToken } from './adminToken.js';
import { ConfigError, readBounded } from './config.js';
import { startDevices } from './devices/index.js';
import { createCertifier } from './driver/certifier.js';
import { type Closer, createCloser } from './driver/closer.js';
import { createLyingCloser } from './driver/lyingCloser.js';
import { offenceFile } from './driver/offences.js';
import { createLogger, type Logger } from './log.js';
import { Node } from './node.js';
import { openPartials } from './partials.js';
import { followPeers, peersIn } from './peers.js';
import { ProvisionError, readKeystore } from './provision/index.js';
import {
  type Client,
  createClient,
  createLocalClient,
  type RpcContext,
  startRpcServer,
} from './rpc/index.js';
import { type NodeConfig, readKnownBlock } from './settings/index.js';
import { joinChain } from './snapshot/index.js';
import { openStore, settleJoin } from './store/index.js';

/** How long devices wait for a node that is behind before they go by what it has. */
const CAUGHT_UP_MS = 30_000;
const GENESIS_BYTES_MAX = 16 * 1024 * 1024;

export interface RunningNode {
  readonly rpcUrl: string;
  readonly publicKey: string;
  readonly chainId: string;
  /** Resolves with the error when the node has to stop by itself; never otherwise. */
  readonly failed: Promise<Error>;
  close(): Promise<void>;
}

/**
 * Starts a validator: store, network, agreement, RPC, and the devices it hosts.
 *
 * Throws ConfigError, StoreError, NetError, RpcServerError or DeviceError; whatever was open by then is closed.
 */
export async function startNode(config: NodeConfig): Promise<RunningNode> {
  const log = createLogger(config.logLevel, (line) => process.stderr.write(line));
  const genesisText = readBounded(config.genesis, GENESIS_BYTES_MAX);
  const parsed = parseGenesis(genesisText);
  if (!parsed.ok) throw new ConfigError('shape', config.genesis, parsed.detail);
  const chain = startChain(parsed.genesis);
  mustBeChain(config, chain);
  const { sign, vrf } = readKeystore(config.keystore, config.passwordFile);
  if (sign?.length !== 32 || vrf?.length !== 32) {
    throw new ConfigError('shape', config.keystore, 'a validator needs the secrets sign and vrf');
  }
  const keys = { secret: sign, vrfSecret: vrf };
  const { chainId, tip } = chain;
  await settleJoin(config.dataDir);
  if (config.join === 'snapshot') await joinBySnapshot(config, chain, sign, log);
  const store = await openStore({ path: config.dataDir, chainId, genesisState: tip.state, create: true });
  const partials = await openPartials(`${config.dataDir}.partial`, (id) => store.hasPayload(id));
  const onError = (error: Error) => log('warn', 'net', { error: error.message });
  const transport = createLibp2pTransport({ secret: sign, chainId, listen: config.listen, onError });
  const fault: { error: Error | null } = { error: null };
  let tell: (error: Error) => void = () => {};
  const failed = new Promise<Error>((resolve) => {
    tell = resolve;
  });
  const stop = (error: Error): void => {
    fault.error ??= error;
    tell(error);
  };
  const peerList = followPeers(config.peers, (peers) => transport.setPeers(peers));
  const node = new Node({
    chain,
    store,
    transport,
    partials,
    closer: closerOf(config, log),
    certifier: createCertifier(),
    keys,
    log,
    retention: config.retention,
    blockSpacingMs: config.blockSpacingMs,
    readyBehindHeights: config.readyBehindHeights,
    offences: offenceFile(`${config.dataDir}.offences`),
    onFatal: stop,
    onCommit: peerList.follow,
  });
  const opened: { close(): Promise<void> }[] = [node];
  const close = async () => {
    for (const part of opened.splice(0).reverse()) await part.close();
  };
  try {
    await node.start();
    if (fault.error !== null) throw fault.error;
    peerList.follow(node.tip);
    const context = rpcContext(node, {
      config,
      genesisText,
      chainId,
      store,
      peers: () => transport.connectedPeers(),
      cut: peerList.cut,
    });
    const onBug = (method: string, error: unknown) =>
      log('error', 'rpc-bug', { method, error: String(error) });
    const adminToken = await makeAdminToken(config.dataDir);
    const rpc = await startRpcServer({ ...config.rpc, context, onBug, adminToken, ...explorerPages() });
    opened.push(rpc);
    if (config.devicesDir !== null) {
      const own = createLocalClient({ url: rpc.url, context, onBug });
      opened.push(await startHosted(config, config.devicesDir, { node, chainId, own, log }));
    }
    return {
      rpcUrl: rpc.url,
      publicKey: bytesToHex(publicKeyOf(sign)),
      chainId: bytesToHex(chainId),
      failed,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The genesis file was exchanged, or is of another network than the one that was joined. */
function mustBeChain({ genesis, chainId }: NodeConfig, chain: ChainStart): void {
  const found = bytesToHex(chain.chainId);
  if (chainId === undefined || chainId === found) return;
  const message =
    `${genesis} has chain id ${found}, and the configuration names ${chainId}: get the genesis file of that chain, ` +
    'or join the other network with a folder of its own';
  throw new ProvisionError('other-genesis', message);
}

/** The explorer, where it was built: beside the built program (explorer/vite.config.ts). */
function explorerPages(): { readonly pages?: string } {
  const pages = fileURLToPath(new URL('../explorer-page', import.meta.url));
  return existsSync(pages) ? { pages } : {};
}

/** With links of its own, which are over before the node's begin. */
async function joinBySnapshot(
  config: NodeConfig,
  chain: ChainStart,
  secret: Uint8Array,
  log: Logger,
): Promise<void> {
  const { dataDir: path, listen, peers, trust } = config;
  const onError = (error: Error) => log('warn', 'net', { error: error.message });
  const transport = createLibp2pTransport({ secret, chainId: chain.chainId, listen, onError });
  transport.setPeers(peersIn(readState(chain.tip.state), peers));
  try {
    await transport.start();
    const partials = await openPartials(`${path}.partial`, () => false);
    const known = trust === undefined ? undefined : readKnownBlock(trust)!;
    await joinChain({ chain, path, transport, partials, log, known });
  } finally {
    await transport.stop();
  }
}

function startHosted(
  config: NodeConfig,
  folder: string,
  rest: { readonly node: Node; readonly chainId: Uint8Array; readonly own: Client; readonly log: Logger },
) {
  const { node, chainId, own, log } = rest;
  const { deviceNodes, trainerThreads: threads } = config;
  const clients = deviceNodes.map((url) => (url === own.url ? own : createClient(url)));
  const caughtUp = (signal: AbortSignal) => node.caughtUp(CAUGHT_UP_MS, signal);
  return startDevices({ folder, chainId, clients, threads, log, caughtUp });
}

function rpcContext(
  node: Node,
  rest: {
    readonly config: NodeConfig;
    readonly genesisText: string;
    readonly chainId: Uint8Array;
    readonly store: RpcContext['store'];
    readonly peers: () => readonly string[];
    readonly cut: (keys: readonly string[]) => void;
  },
): RpcContext {
  return {
    chainId: rest.chainId,
    genesisText: rest.genesisText,
    nodeName: rest.config.name,
    publicKey: node.publicKey,
    head: () => node.tip,
    store: rest.store,
    submit: (transaction, payloads) => node.submit(transaction, payloads),
    pending: (hash) => node.pending(hash),
    nextNonce: (publicKey) => node.nextNonce(publicKey),
    waitForChange: (since, timeoutMs) => node.waitForChange(since, timeoutMs),
    peers: () => rest.peers().map((publicKey) => ({ publicKey })),
    agreement: () => node.agreement(),
    health: () => node.health(),
    peerClock: (publicKey) => node.peerClock(publicKey),
    metrics: () => node.metrics(),
    approve: (terms) => node.approve(terms),
    cut: rest.cut,
  };
}

/** Honest, unless the configuration is that of an attack. */
function closerOf({ attack }: NodeConfig, log: Logger): Closer {
  return attack === null ? createCloser() : createLyingCloser(createCloser(), attack.fromRound, log);
}
