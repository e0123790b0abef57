import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { databaseBytes, openStore } from '../node/store/index.js';
import { YOUNG_SPACE } from '../node/testnet/index.js';
import { createTestChain } from '../test/support/chain.js';
import { HOSPITALS, historyIn } from './history.js';
import type { ChainAnswer, ChainOrder } from './load/chainNode.js';

interface Peer {
  readonly process: ChildProcess;
  readonly born: ChainAnswer;
}

export interface Synced {
  readonly seconds: number;
  /** CPU seconds of the node's main thread, of its other threads (checks, database, collector), and of who serves it. */
  readonly main: number;
  readonly others: number;
  readonly server: number;
  /** The most that the node took of memory. */
  readonly rssBytes: number;
  /** Of the database, compacted. */
  readonly diskBytes: number;
  /** Opening what was synced, every height checked. */
  readonly opening: { readonly seconds: number; readonly cpu: number };
}

/**
 * A node with nothing syncs `heights` small blocks from one that has them: two processes, libp2p on loopback.
 *
 * `folder`: where the history lies, or is made if it is not there; the syncing node's folder is made beside it and
 * removed.
 */
export async function measureSync(folder: string, heights: number, transactions: number): Promise<Synced> {
  const history = await historyIn(folder, heights, transactions);
  const behind = join(folder, `behind-${process.pid}`);
  const peers = [await startPeer(history, 0), await startPeer(behind, 1)] as const;
  try {
    const [server, client] = peers;
    const book = peers.map(({ born }) => ({ key: born.self, addresses: born.addresses }));
    const before = await carry(server, { kind: 'tell' });
    await carry(server, { kind: 'meet', peers: book });
    const start = await carry(client, { kind: 'meet', peers: book });
    const end = await carry(client, { kind: 'reach', height: heights });
    const after = await carry(server, { kind: 'tell' });
    if (end.height < heights || Buffer.compare(end.hash, after.hash) !== 0) throw new Error('another chain');
    const main = (end.mainMs - start.mainMs) / 1e3;
    for (const peer of peers) await stop(peer);
    return {
      seconds: end.ms / 1e3,
      main,
      others: (end.cpuMs - start.cpuMs) / 1e3 - main,
      server: (after.cpuMs - before.cpuMs) / 1e3,
      rssBytes: end.rssBytes,
      ...(await opening(behind)),
    };
  } finally {
    for (const peer of peers) await stop(peer);
    rmSync(behind, { recursive: true, force: true });
  }
}

/** Opens the chain that was synced, all of it checked. */
async function opening(path: string): Promise<Pick<Synced, 'opening' | 'diskBytes'>> {
  const { chainId, tip } = createTestChain({ hospitals: HOSPITALS }).chain;
  const [begun, cpu] = [performance.now(), process.cpuUsage()];
  const store = await openStore({ path, chainId, genesisState: tip.state, create: false });
  const seconds = (performance.now() - begun) / 1e3;
  const { user, system } = process.cpuUsage(cpu);
  await store.compact();
  const diskBytes = databaseBytes(path);
  await store.close();
  return { opening: { seconds, cpu: (user + system) / 1e6 }, diskBytes };
}

async function startPeer(path: string, index: number): Promise<Peer> {
  const program = fileURLToPath(new URL('./load/chainNode.js', import.meta.url));
  const child = fork(program, [path, `${index}`], { serialization: 'advanced', execArgv: [YOUNG_SPACE] });
  return { process: child, born: await answerOf(child) };
}

async function stop({ process: child }: Peer): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  if (child.connected) child.disconnect();
  await exited;
}

async function carry({ process: child }: Peer, order: ChainOrder): Promise<ChainAnswer> {
  const answer = answerOf(child);
  child.send(order);
  return answer;
}

function answerOf(child: ChildProcess): Promise<ChainAnswer> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error('a node of the bench ended'));
    child.once('exit', ended);
    child.once('message', (answer) => {
      child.off('exit', ended);
      resolve(answer as ChainAnswer);
    });
  });
}
