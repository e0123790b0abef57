import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { type Params, roundCell } from '../../contracts/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { createLibp2pTransport, createMemoryNetwork, type Transport } from '../../net/index.js';
import { createLogger } from '../../node/log.js';
import { type Joined, type JoinOptions, joinChain } from '../../node/snapshot/index.js';
import {
  type ChainOptions,
  createTestChain,
  playRound,
  publicTask,
  startTask,
  type TestChain,
  updateCall,
} from './chain.js';
import { type Person, testGenesis } from './genesis.js';
import { eventually, introduce, openNode, sign, type TestNode, tempFolder, writeChain } from './network.js';

/** A member is missing while they decide, and the machine may be busy: heights may wait for their deadlines. */
const PATIENCE_MS = 100_000;

/** Heights of an era in these chains: a snapshot is at the end of one. */
export const JOIN_ERA = 4;

export interface ToJoin {
  readonly heights?: number;
  readonly write?: ChainOptions['write'];
  /** Heights after the update of the open round. */
  readonly after?: number;
  readonly agreement?: Partial<Params['agreement']>;
}

/**
 * A chain of four hospitals with training in it, `heights` high at least: closed rounds, and an open one that holds an
 * update, at the end of the last era too.
 */
export function chainToJoin({
  heights = 30,
  write,
  after = JOIN_ERA,
  agreement = {},
}: ToJoin = {}): TestChain {
  const { params: local } = testGenesis(1, 0).genesis;
  const params = { ...local, eraHeights: JOIN_ERA, agreement: { ...local.agreement, ...agreement } };
  const test = createTestChain({ params, ...(write && { write }) });
  // No deadline passes while a test runs: nothing is due, and the chain stands still.
  startTask(test, publicTask({ rounds: 1_000, deadlineMs: 3_600_000 }));
  while (test.tip.height < heights) playRound(test);
  test.block([updateCall(test, test.devices[0]!, roundCell.get(test.state, 1)!.round)]);
  for (let more = 0; more <= after; more += 1) test.block([]);
  return test;
}

/** Something to agree on. */
const anchorCall = {
  contract: 'anchor',
  method: 'put',
  args: { digest: new Uint8Array(32), memo: '' },
  level: 0,
} as const;

export type NetworkKind = 'memory' | 'libp2p';

/** Three hospitals that have the chain, and a way to join for the fourth. */
export async function joinNetwork(test: TestChain, kind: NetworkKind = 'memory', count = 3) {
  const folder = await tempFolder();
  const memory = createMemoryNetwork({ onError: () => {} });
  const { chainId } = test.chain;
  const transportOf = ({ secret }: Person): Transport =>
    kind === 'memory'
      ? memory.transport(secret)
      : createLibp2pTransport({ secret, chainId, listen: ['/ip4/127.0.0.1/tcp/0'], onError: () => {} });
  const history = join(folder.path, 'history');
  await writeChain(test, history);
  const log = createLogger('error', (line) => process.stderr.write(line));
  const open = (who: Person, path: string): Promise<TestNode> =>
    openNode({ chain: test.chain, who, path, transport: transportOf(who), log });
  const servers: TestNode[] = [];
  for (const who of test.validators.slice(0, count)) {
    const path = join(folder.path, who.name);
    await cp(history, path, { recursive: true });
    servers.push(await open(who, path));
  }
  for (const { node } of servers) await node.start();
  const joiner = test.validators[3]!;
  const keys = [bytesToHex(joiner.publicKey)];
  introduce(
    servers.map(({ transport }) => transport),
    keys,
  );
  const path = join(folder.path, joiner.name);
  return {
    servers,
    joiner,
    path,
    memory,
    folder: folder.path,
    open: () => open(joiner, path),
    /** The servers go on until all of them stand at `height` at least. */
    decide: async (height: number): Promise<void> => {
      const { node } = servers[0]!;
      while (node.tip.height < height) {
        const before = node.tip.height;
        await node.submit(sign(node, test.publisher, anchorCall), []);
        await eventually('a block', () => node.tip.height > before, PATIENCE_MS);
      }
      const all = (): boolean => servers.every((server) => server.node.tip.height >= height);
      await eventually('the others', all, PATIENCE_MS);
    },
    /** As a node joins before it starts; `liars` are peers beside the servers, and asked before them. */
    join: async (
      options: Partial<JoinOptions> = {},
      liars: readonly Transport[] = [],
      liarsAlone = false,
    ): Promise<Joined> => {
      const transport = transportOf(joiner);
      await transport.start();
      const honest = liarsAlone ? [] : servers.map((server) => server.transport);
      const all = [...honest, ...liars];
      introduce([transport, ...all]);
      const first = liars.map(({ self }) => self);
      try {
        return await joinChain({
          chain: test.chain,
          path,
          transport: askedFirst(transport, first),
          log,
          ...options,
        });
      } finally {
        await transport.stop();
      }
    },
    close: async () => {
      for (const { node } of servers) await node.close();
      await folder.remove();
    },
  };
}

/** The same transport, which names these peers before all others. */
function askedFirst(transport: Transport, first: readonly string[]): Transport {
  return new Proxy(transport, {
    get: (target, name) => {
      if (name === 'connectedPeers')
        return () =>
          target.connectedPeers().toSorted((a, b) => Number(first.includes(b)) - Number(first.includes(a)));
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
