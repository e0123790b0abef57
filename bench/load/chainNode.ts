/**
 * One node of the sync bench, as a process of its own: a validator of the test chain with its store on disk and
 * libp2p, without RPC and devices. Arguments: folder of its store, number of the validator.
 */
import { readFileSync } from 'node:fs';
import { startChain } from '../../genesis/index.js';
import { createLibp2pTransport, type PeerAddress } from '../../net/index.js';
import { createCertifier } from '../../node/driver/certifier.js';
import { testGenesis } from '../../test/support/genesis.js';
import { openNode } from '../../test/support/network.js';
import { HOSPITALS } from '../history.js';

/** What the bench asks of a node. */
export type ChainOrder =
  | { readonly kind: 'meet'; readonly peers: readonly PeerAddress[] }
  | { readonly kind: 'tell' }
  /** Answered when the chain is on disk up to this height. */
  | { readonly kind: 'reach'; readonly height: number };

export interface ChainAnswer {
  readonly self: string;
  readonly addresses: readonly string[];
  readonly height: number;
  readonly hash: Uint8Array;
  /** Wall time that the order took. */
  readonly ms: number;
  /** CPU time since the process began: of the main thread (NaN where the system does not tell), and of all threads. */
  readonly mainMs: number;
  readonly cpuMs: number;
  /** The most that was seen. */
  readonly rssBytes: number;
}

const LOOK_MS = 100;

async function main(path: string, index: number): Promise<void> {
  const people = testGenesis(HOSPITALS, 1);
  const chain = startChain(people.genesis);
  const who = people.validators[index]!;
  const transport = createLibp2pTransport({
    secret: who.secret,
    chainId: chain.chainId,
    listen: ['/ip4/127.0.0.1/tcp/0'],
  });
  const { node, store, failures } = await openNode({
    chain,
    who,
    path,
    transport,
    certifier: createCertifier(),
  });
  let rssBytes = 0;
  await node.start();

  async function carryOut(order: ChainOrder): Promise<void> {
    if (order.kind === 'tell') return;
    if (order.kind === 'meet') return transport.setPeers(order.peers);
    while (store.head.height < order.height) {
      if (failures[0] !== undefined) throw failures[0];
      rssBytes = Math.max(rssBytes, process.memoryUsage.rss());
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  const tell = async (order: ChainOrder | null): Promise<void> => {
    const at = performance.now();
    if (order !== null) await carryOut(order);
    const { user, system } = process.cpuUsage();
    process.send!({
      self: transport.self,
      addresses: transport.addresses(),
      ...store.head,
      ms: performance.now() - at,
      mainMs: mainThreadMs(),
      cpuMs: (user + system) / 1_000,
      rssBytes,
    } satisfies ChainAnswer);
  };
  process.on('message', (order: ChainOrder) => void tell(order));
  process.once('disconnect', () => void node.close());
  await tell(null);
}

function mainThreadMs(): number {
  try {
    return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
  } catch {
    return Number.NaN;
  }
}

await main(process.argv[2]!, Number(process.argv[3]));
