import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nonceCell, payloadId, readState, signTransaction, type Transaction } from '../../chain/index.js';
import { runClosing } from '../../contracts/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { type ChainStart, startChain } from '../../genesis/index.js';
import { createMemoryNetwork } from '../../net/index.js';
import { type Clock, systemClock } from '../../node/driver/clock.js';
import { createLogger } from '../../node/log.js';
import { Node } from '../../node/node.js';
import { openStore } from '../../node/store/index.js';
import { type Person, person, testGenesis } from './genesis.js';

/**
 * Real nodes with real stores on the memory transport. `close` ends and removes everything. `outsiders` get a
 * transport each, linked to all, and nothing behind it: what they say is up to the test.
 */
export async function testNetwork(
  chain: ChainStart,
  validators: readonly Person[],
  outsiders: readonly Person[] = [],
  clock: Clock = systemClock,
) {
  const folder = await mkdtemp(join(tmpdir(), 'consilium-test-'));
  const network = createMemoryNetwork();
  const failures: Error[] = [];
  const transports = validators.map(({ secret }) => network.transport(secret));
  const nodes = await Promise.all(
    validators.map(async ({ name, secret, vrfSecret }, i) => {
      const store = await openStore({
        path: join(folder, name),
        chainId: chain.chainId,
        genesisState: chain.tip.state,
        create: true,
      });
      const transport = transports[i]!;
      const log = createLogger('warn', (line) => process.stderr.write(`${name} ${line}`));
      const closer = {
        run: async (job: Parameters<typeof runClosing>[0]) => runClosing(job),
        close: async () => {},
      };
      const onFatal = (error: Error) => failures.push(error);
      return new Node({ chain, store, transport, closer, keys: { secret, vrfSecret }, log, onFatal, clock });
    }),
  );
  await Promise.all(nodes.map((node) => node.start()));
  const outside = outsiders.map(({ secret }) => network.transport(secret));
  await Promise.all(outside.map((transport) => transport.start()));
  const all = [...transports, ...outside];
  const peers = all.map((transport) => ({ key: transport.self, addresses: transport.addresses() }));
  for (const transport of all) transport.setPeers(peers);
  return {
    nodes,
    failures,
    outsiders: outside,
    close: async () => {
      await Promise.all(outside.map((transport) => transport.stop()));
      await Promise.all(nodes.map((node) => node.close()));
      await rm(folder, { recursive: true, force: true });
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

export { type Person, person, startChain, testGenesis };
