import { afterEach, expect, it } from 'vitest';
import { createReplay, type ReplayEntry } from '../../../audit/index.js';
import { decodeBlock, readState, treeRoot } from '../../../chain/index.js';
import { closedRoundCell, roundCell } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import type { Node } from '../../../node/node.js';
import type { Store } from '../../../node/store/index.js';
import {
  applyCall,
  type Call,
  declareCall,
  publishCall,
  type TestChain,
  taskSpec,
  updateCall,
} from '../../support/chain.js';
import { sign, startChain, testGenesis, testNetwork, until } from '../../support/network.js';

let close: (() => Promise<void>) | null = null;
afterEach(async () => {
  await close?.();
  close = null;
});

/** The heights of a node's store, as an export has them. */
function* entriesOf(store: Store): Generator<ReplayEntry> {
  for (let height = 1; ; height += 1) {
    const raw = store.blockBytes(height);
    if (raw === null) return;
    const refs = decodeBlock(raw.block).transactions.flatMap(({ payloads }) => payloads);
    const { block, certificate } = raw;
    yield { block, certificate, payloads: refs.map(({ id }) => store.payload(id)) };
  }
}

/** The state root that a node has in memory at each height that it stands at, until `ended`. */
async function watchRoots(node: Node, ended: () => boolean): Promise<ReadonlyMap<number, string>> {
  const roots = new Map<number, string>();
  while (!ended()) {
    const { height, state } = node.tip;
    roots.set(height, bytesToHex(treeRoot(state)));
    await node.waitForChange({ height }, 20);
  }
  return roots;
}

it('gives the state that live nodes had, at every height of a chain with training in it', async () => {
  const people = testGenesis(4, 1);
  const chain = startChain(people.genesis);
  const network = await testNetwork(chain, people.validators);
  close = network.close;
  const { nodes, opened } = network;
  const first = nodes[0]!;
  // What the calls are made from: people, chain id, and the state as this node has it.
  const live = {
    ...people,
    chain,
    get state() {
      return readState(first.tip.state);
    },
  } as unknown as TestChain;
  let ended = false;
  const watched = Promise.all(nodes.map((node) => watchRoots(node, () => ended)));
  const send = async (call: Call): Promise<void> => {
    const { from, contract, method, args, level = 0, payloads = [] } = call;
    const before = first.tip.height;
    const transaction = sign(first, from, { contract, method, args, level }, payloads);
    expect(await first.submit(transaction, payloads)).toMatchObject({ ok: true });
    await until(first, () => first.tip.height > before);
  };
  await send(publishCall(live, taskSpec({ rounds: 2, enrolMs: 60_000, deadlineMs: 20_000 })));
  for (const device of people.devices) await send(declareCall(device));
  for (const device of people.devices) await send(applyCall(live, device));
  for (const round of [1, 2]) {
    await until(first, () => roundCell.get(live.state, 1)?.round === round);
    for (const device of people.devices) await send(updateCall(live, device, round));
  }
  await until(first, () => closedRoundCell.get(live.state, 1, 2) !== null);
  const { height } = first.tip;
  for (const node of nodes) await until(node, () => node.tip.height >= height);
  ended = true;
  const roots = await watched;
  const replayed = new Map([[0, bytesToHex(treeRoot(chain.tip.state))]]);
  const replay = createReplay(chain);
  for (const entry of entriesOf(opened[0]!.store)) {
    expect(replay.take(entry)).toBeNull();
    replayed.set(replay.height, bytesToHex(treeRoot(replay.tip.state)));
    expect(bytesToHex(decodeBlock(entry.block).header.stateRoot)).toBe(replayed.get(replay.height));
  }
  expect(replay.height).toBeGreaterThanOrEqual(height);
  expect(height).toBeGreaterThan(15);
  for (const seen of roots) {
    expect(seen.size).toBeGreaterThan(1);
    for (const [at, root] of seen) if (at <= height) expect([at, replayed.get(at)]).toEqual([at, root]);
  }
  expect(replay.report()).toMatchObject({ ok: true, complete: true, checked: { models: 2 } });
}, 60_000);
