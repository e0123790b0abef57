import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeCertificate } from '../../chain/index.js';
import { type Client, createClient, type RpcContext, startRpcServer } from '../../node/rpc/index.js';
import { openStore } from '../../node/store/index.js';
import type { TestChain } from './chain.js';

/** A played chain in a real store behind a real RPC server: for callers that only read. */
export interface ServedNode {
  readonly url: string;
  readonly client: Client;
  readonly context: RpcContext;
  readonly bugs: readonly unknown[];
  close(): Promise<void>;
}

export async function serveNode(test: TestChain): Promise<ServedNode> {
  const folder = await mkdtemp(join(tmpdir(), 'consilium-served-'));
  const { chainId } = test.chain;
  const genesisState = test.chain.tip.state;
  const store = await openStore({ path: join(folder, 'data'), chainId, genesisState, create: true });
  for (const [i, { block, hash, executed }] of test.blocks.entries()) {
    const { chainId: _, ...certificate } = decodeCertificate(test.entries[i]!.certificate);
    const { receipts, receiptsRoot, changes, state, payloads } = executed;
    await store.commit({ block, hash, certificate, receipts, receiptsRoot, changes, state, payloads });
  }
  const { tip } = test;
  const context: RpcContext = {
    chainId,
    genesisText: JSON.stringify(test.genesis),
    nodeName: test.validators[0]!.name,
    publicKey: test.validators[0]!.publicKey,
    head: () => tip,
    store,
    submit: async () => ({ ok: false, code: 'mempool-full', detail: 'this node only answers questions' }),
    pending: () => false,
    waitForChange: async () => undefined,
    peers: () => [],
    agreement: () => ({ height: tip.height + 1, period: 0, active: false }),
    health: () => ({ ready: true, checks: [] }),
    metrics: () => ({}),
    approve: () => new Uint8Array(64),
  };
  const bugs: unknown[] = [];
  const server = await startRpcServer({ context, port: 0, onBug: (_, error) => bugs.push(error) });
  return {
    url: server.url,
    client: createClient(server.url),
    context,
    bugs,
    close: async () => {
      await server.close();
      await store.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
