import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeVote, type Vote } from '../../chain/index.js';
import { runClosing } from '../../contracts/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { startChain } from '../../genesis/index.js';
import { createMemoryNetwork, type Transport } from '../../net/index.js';
import { systemClock } from '../../node/driver/clock.js';
import { decodeMessage } from '../../node/driver/message.js';
import { createLogger } from '../../node/log.js';
import { Node } from '../../node/node.js';
import { openStore, type Store } from '../../node/store/index.js';
import { testGenesis } from './genesis.js';

/** A validator that can die in the middle of a write, and come back with what its folder holds. */
export interface Mortal {
  readonly name: string;
  readonly key: string;
  readonly path: string;
  node: Node;
  store: Store;
  alive: boolean;
  /** As after kill -9: nothing is sent any more, nothing written, no timer fires. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

export interface MortalOptions {
  /** Stands between a node and its store. */
  readonly wrap: (store: Store, self: Mortal) => Store;
  /** A node sends an own vote, for the first time or again. Called before it leaves. */
  readonly onOwnVote: (self: Mortal, vote: Vote) => void;
  readonly devicesEach?: number;
}

/** Four real nodes on real folders and the memory transport, which agree on a block every few milliseconds. */
export async function mortalNetwork({ wrap, onOwnVote, devicesEach = 0 }: MortalOptions) {
  const people = testGenesis(4, devicesEach);
  const { genesis, validators } = people;
  const agreement = { deadlineMs: 600, deadlineCapMs: 2_000, filterMs: 100, heartbeatMs: 100 };
  const params = { ...genesis.params, agreement: { ...genesis.params.agreement, ...agreement } };
  const chain = startChain({ ...genesis, params });
  const folder = await mkdtemp(join(tmpdir(), 'consilium-mortal-'));
  const network = createMemoryNetwork();
  const failures: Error[] = [];
  const keys = validators.map(({ publicKey }) => bytesToHex(publicKey));
  const addresses = new Map<string, readonly string[]>();
  const link = (transport: Transport): void =>
    transport.setPeers([...addresses].map(([key, at]) => ({ key, addresses: at })));
  const linkFirst: (() => void)[] = [];

  const mortals = validators.map(({ name, secret, vrfSecret }, i): Mortal => {
    let end: () => Promise<void> = async () => undefined;
    const self: Mortal = {
      name,
      key: keys[i]!,
      path: join(folder, name),
      alive: false,
      node: undefined as unknown as Node,
      store: undefined as unknown as Store,
      kill: () => end(),
      start: async () => {
        const { path } = self;
        const { chainId, tip } = chain;
        const store = await openStore({ path, chainId, genesisState: tip.state, create: true });
        const transport = network.transport(secret);
        const life = { over: false };
        const log = createLogger('error', (line) => process.stderr.write(`${name} ${line}`));
        self.store = store;
        self.alive = true;
        self.node = new Node({
          chain,
          store: wrap(store, self),
          transport: listening(transport, chainId, (vote) => {
            if (bytesToHex(vote.voter) === self.key && !life.over) onOwnVote(self, vote);
          }),
          closer: {
            run: async (job) => runClosing(job),
            propose: (closings) => closings,
            close: async () => undefined,
          },
          keys: { secret, vrfSecret },
          log,
          onFatal: (error) => !life.over && failures.push(error),
          clock: {
            now: systemClock.now,
            monotonic: systemClock.monotonic,
            after: (ms, fire) => systemClock.after(ms, () => !life.over && fire()),
          },
        });
        end = async () => {
          if (life.over) return;
          life.over = true;
          self.alive = false;
          await transport.stop();
          await store.close();
        };
        await self.node.start();
        addresses.set(transport.self, transport.addresses());
        if (addresses.size === validators.length) link(transport);
        else linkFirst.push(() => link(transport));
      },
    };
    return self;
  });
  await Promise.all(mortals.map((mortal) => mortal.start()));
  for (const first of linkFirst) first();
  return {
    chain,
    people,
    mortals,
    failures,
    close: async () => {
      await Promise.all(mortals.map((mortal) => mortal.kill()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The transport, and every vote that goes out through it. */
function listening(transport: Transport, chainId: Uint8Array, onVote: (vote: Vote) => void): Transport {
  return new Proxy(transport, {
    get: (target, name) => {
      const value = Reflect.get(target, name, target) as unknown;
      if (name !== 'publish') return typeof value === 'function' ? value.bind(target) : value;
      return (topic: string, raw: Uint8Array) => {
        const message = topic === 'consensus' ? decodeMessage(raw) : null;
        if (message?.kind === 'votes') {
          for (const wire of message.votes) {
            const decoded = decodeVote(chainId, wire);
            if (decoded.ok) onVote(decoded.vote);
          }
        }
        return target.publish(topic as 'consensus', raw);
      };
    },
  });
}

/** Waits until the condition holds, or fails. Looks every few milliseconds: nodes die, so none can be asked to wait. */
export async function eventually(what: string, holds: () => boolean, timeoutMs = 60_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
