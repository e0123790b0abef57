import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { payloadId, readState, signTransaction, treeRoot } from '../../../../chain/index.js';
import { nextCommittee } from '../../../../consensus/index.js';
import {
  type ClosedEvent,
  closedEvents,
  closingJob,
  dueClosings,
  modelCell,
} from '../../../../contracts/index.js';
import { bytesToHex, equalBytes } from '../../../../crypto/index.js';
import { createMemoryNetwork, createPayloadExchange } from '../../../../net/index.js';
import { systemClock } from '../../../../node/driver/clock.js';
import { computeClosings } from '../../../../node/driver/closings.js';
import { MarkedInputs } from '../../../../node/driver/marks.js';
import { RANGE_PROTOCOL, rangeOf, readRangeRequest } from '../../../../node/driver/range.js';
import { Pruner } from '../../../../node/pruning/pruner.js';
import { openStore } from '../../../../node/store/index.js';
import {
  createTestChain,
  fedAdam,
  playRound,
  publicTask,
  startTask,
  type TestChain,
  updateBytes,
  updateCall,
} from '../../../support/chain.js';
import { trainedChain } from '../../../support/exportedChain.js';
import {
  introduce,
  openNode,
  type TestNode,
  tempFolder,
  until,
  writeChain,
} from '../../../support/network.js';
import { closedAt } from '../../../support/prunedChain.js';

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function prunedFolder(test: TestChain): Promise<{ root: string; path: string }> {
  const folder = await tempFolder();
  closing.push(folder.remove);
  const path = join(folder.path, 'old');
  await writeChain(test, path);
  const { chainId, tip } = test.chain;
  const store = await openStore({ path, chainId, genesisState: tip.state, create: false });
  const pruner = new Pruner({
    store,
    isWanted: () => false,
    serially: (step) => step(),
    onError: (error) => {
      throw error;
    },
  });
  await pruner.runOut();
  expect(pruner.counts.payloads).toBeGreaterThan(0);
  await store.close();
  return { root: folder.path, path };
}

async function nodeOf(
  test: TestChain,
  nth: number,
  path: string,
  network: ReturnType<typeof createMemoryNetwork>,
): Promise<TestNode> {
  const who = test.validators[nth]!;
  const options = { chain: test.chain, who, path, transport: network.transport(who.secret) };
  const opened = await openNode({ ...options, retention: 'window' });
  await opened.node.start();
  closing.push(() => opened.node.close());
  return opened;
}

it.each([
  ['the accumulator alone', {}],
  ['an optimizer’s moments too', { server: fedAdam }],
])(
  'a new node catches up with one that has pruned %s, to the same state, and can be caught up with',
  async (_, change) => {
    const test = trainedChain(6, { auditHeights: 4, ...change });
    const { root, path } = await prunedFolder(test);
    const network = createMemoryNetwork();
    const old = await nodeOf(test, 0, path, network);
    const fresh = await nodeOf(test, 1, join(root, 'fresh'), network);
    introduce([old.transport, fresh.transport]);
    await until(fresh.node, () => fresh.node.tip.height >= test.tip.height);
    expect(bytesToHex(treeRoot(fresh.node.tip.state))).toBe(bytesToHex(treeRoot(test.tip.state)));
    // What nobody had is known to be pruned, what the other held is held, the newest model among it.
    const announced = test.blocks.flatMap(({ block }) =>
      block.transactions.flatMap(({ payloads }) => payloads),
    );
    for (const ref of announced) {
      expect(fresh.store.hasPayload(ref.id) || fresh.store.isPruned(ref)).toBe(true);
      if (old.store.hasPayload(ref.id)) expect(fresh.store.hasPayload(ref.id)).toBe(true);
    }
    // So is what closings made.
    const made = test.blocks
      .flatMap(({ executed }) => closedEvents(executed.receipts[0]!))
      .flatMap(({ outcome: { weights, accumulator, optimizer } }) => [weights, accumulator, optimizer])
      .filter((ref) => ref !== null);
    for (const ref of made) {
      expect(fresh.store.hasPayload(ref.id) || fresh.store.isPruned(ref)).toBe(true);
      if (old.store.hasPayload(ref.id)) expect(fresh.store.hasPayload(ref.id)).toBe(true);
    }
    const model = modelCell.get(readState(fresh.node.tip.state), 1)!;
    expect(fresh.store.hasPayload(model.id)).toBe(true);
    // It serves the marked inputs that it took, and its folder opens.
    const third = await nodeOf(test, 2, join(root, 'third'), network);
    introduce([fresh.transport, third.transport]);
    await until(third.node, () => third.node.tip.height >= test.tip.height);
    expect(bytesToHex(treeRoot(third.node.tip.state))).toBe(bytesToHex(treeRoot(test.tip.state)));
    expect([old, fresh, third].flatMap(({ failures }) => failures)).toEqual([]);
    const { height } = fresh.node.tip;
    await fresh.node.close();
    const { chainId, tip } = test.chain;
    const again = await openStore({
      path: join(root, 'fresh'),
      chainId,
      genesisState: tip.state,
      create: false,
    });
    expect(again.head.height).toBe(height);
    await again.close();
  },
  60_000,
);

it('an outcome that was taken from receipts is never voted on', async () => {
  const test = trainedChain(2);
  const height = closedAt(test, 1);
  const parent = test.blocks[height - 2]!.tip;
  const outcome = [...test.closings().values()];
  expect(outcome).toEqual([]);
  const marked = {
    verdicts: [],
    weights: { id: new Uint8Array(32), size: 1 },
    accumulator: null,
    optimizer: null,
    clipping: null,
  };
  const parts = {
    closer: {
      run: async () => {
        throw new Error('nothing to run');
      },
      close: async () => {},
    },
    clock: systemClock,
    store: { payload: () => null },
  };
  const fromReceipts = { forClosing: async () => ({ kind: 'marked', outcome: marked }) as const };
  const computed = await computeClosings(parent, { ...parts, marks: fromReceipts }, () => false);
  expect(computed).toMatchObject({ isMarked: true });
  const fromNobody = { forClosing: async () => null };
  const closed = await computeClosings(parent, { ...parts, marks: fromNobody }, () => true);
  expect(closed).toBeNull();
});

/** What the leader of a height that closes a round has on disk of it; `isPruned`: an update of that round is gone. */
async function recordsOfLeader(isPruned: boolean): Promise<number> {
  const test = createTestChain();
  startTask(test, publicTask({ rounds: 2 }));
  test.block(test.devices.map((device) => updateCall(test, device, 1)));
  const parent = test.tip;
  test.block([]);
  const { height } = test.tip;
  expect(closedAt(test, 1)).toBe(height);
  const [gone] = test.blocks[parent.height - 1]!.block.transactions[0]!.payloads;
  const leader = nextCommittee(test.chain.rules, parent)[0]!.publicKey;
  const nth = test.validators.findIndex(({ publicKey }) => equalBytes(publicKey, leader));
  const folder = await tempFolder();
  closing.push(folder.remove);
  const { chainId, tip } = test.chain;
  const open = async (name: string, upTo: number) => {
    const path = join(folder.path, name);
    await writeChain(test, path, upTo);
    const store = await openStore({ path, chainId, genesisState: tip.state, create: false });
    if (isPruned) await store.prunePayloads([gone!.id]);
    return store;
  };
  // Removed in the driver's queue when a node starts: behind all that the height begins with.
  const loose = Uint8Array.of(1, 2, 3);
  const own = await open('leader', parent.height);
  await own.putPayload(payloadId(loose), loose);
  await own.close();
  // A peer that has decided the height and says no more than it is asked for.
  const whole = await open('peer', height);
  closing.push(() => whole.close());
  const network = createMemoryNetwork();
  const peer = network.transport(test.validators[(nth + 1) % 4]!.secret);
  const payloads = createPayloadExchange({
    transport: peer,
    store: { has: whole.hasPayload, get: whole.payload, put: whole.putPayload },
  });
  const { rules } = test.chain;
  new MarkedInputs({ rules, store: whole, transport: peer, payloads, log: () => {} });
  const range = async (raw: Uint8Array) => rangeOf(whole, readRangeRequest(raw)!);
  peer.serve(RANGE_PROTOCOL, range, { requestBytesMax: 64, concurrentMax: 4 });
  await peer.start();
  const who = test.validators[nth]!;
  const path = join(folder.path, 'leader');
  const transport = network.transport(who.secret);
  const opened = await openNode({ chain: test.chain, who, path, transport });
  introduce([peer, transport]);
  await opened.node.start();
  await until(opened.node, () => !opened.store.hasPayload(payloadId(loose)));
  await opened.node.close();
  expect(opened.failures).toEqual([]);
  await peer.stop();
  const again = await openStore({ path, chainId, genesisState: tip.state, create: false });
  const records = again.records(height).length;
  await again.close();
  return records;
}

it('a leader that could not compute a verdict neither proposes nor votes', async () => {
  expect(await recordsOfLeader(false)).toBeGreaterThan(0);
  expect(await recordsOfLeader(true)).toBe(0);
}, 30_000);

/** A chain on which the second round of a task with an optimizer is due, and two of those who have it up to a height. */
async function secondRoundDue() {
  const test = createTestChain();
  startTask(test, publicTask({ rounds: 3, server: fedAdam }));
  playRound(test);
  test.block(test.devices.map((device) => updateCall(test, device, 2)));
  const parent = test.tip;
  const [due] = dueClosings(test.state, parent.height, parent.time);
  test.block([]);
  const folder = await tempFolder();
  closing.push(folder.remove);
  const { chainId, tip, rules } = test.chain;
  const network = createMemoryNetwork();
  const marksOf = async (name: string, nth: number, upTo: number) => {
    const path = join(folder.path, name);
    await writeChain(test, path, upTo);
    const store = await openStore({ path, chainId, genesisState: tip.state, create: false });
    const transport = network.transport(test.validators[nth]!.secret);
    const holds = { has: store.hasPayload, get: store.payload, put: store.putPayload };
    const payloads = createPayloadExchange({ transport, store: holds });
    const marks = new MarkedInputs({ rules, store, transport, payloads, log: () => {} });
    const range = async (raw: Uint8Array) => rangeOf(store, readRangeRequest(raw)!);
    transport.serve(RANGE_PROTOCOL, range, { requestBytesMax: 64, concurrentMax: 4 });
    await transport.start();
    closing.push(
      () => store.close(),
      () => transport.stop(),
    );
    return { store, transport, marks };
  };
  const own = await marksOf('own', 0, parent.height);
  const peer = await marksOf('peer', 1, test.tip.height);
  introduce([own.transport, peer.transport]);
  return { test, parent, due, own, peer };
}

it('an optimizer state that a peer still has is pulled, and the closing computed', async () => {
  const { test, parent, due, own } = await secondRoundDue();
  await own.store.prunePayloads([due!.round.optimizer!.id]);
  expect(closingJob(due!, own.store.payload)).toBeNull();
  const found = await own.marks.forClosing(parent, due!);
  expect(found).toEqual({ kind: 'job', job: closingJob(due!, test.payloadOf) });
}, 30_000);

it('what a closing made that had to be taken from receipts is pulled, as far as the peer still has it', async () => {
  const { test, parent, due, own, peer } = await secondRoundDue();
  const [{ outcome }] = closedEvents(test.blocks[parent.height]!.executed.receipts[0]!) as [ClosedEvent];
  const made = [outcome.weights, outcome.accumulator!, outcome.optimizer!].map(({ id }) => id);
  await own.store.dropLoose(made);
  for (const { store } of [own, peer]) await store.prunePayloads([due!.round.updates[0]!.payload.id]);
  expect(made.map((id) => own.store.hasPayload(id))).toEqual([false, false, false]);
  expect(await own.marks.forClosing(parent, due!)).toMatchObject({ kind: 'marked', outcome });
  expect(made.map((id) => own.store.hasPayload(id))).toEqual([true, true, true]);
}, 30_000);

it('payloads of transactions that no block will have leave the disk, others stay', async () => {
  const test = createTestChain();
  startTask(test, publicTask({ rounds: 1, deadlineMs: 3_600_000 }));
  const folder = await tempFolder();
  closing.push(folder.remove);
  const path = join(folder.path, 'data');
  await writeChain(test, path);
  const network = createMemoryNetwork();
  const opened = await nodeOf(test, 0, path, network);
  const { store, node } = opened;
  const call = updateCall(test, test.devices[0]!, 1);
  const [bytes] = call.payloads as [Uint8Array];
  const waiting = test.sign(call);
  expect(await node.submit(waiting.transaction, [bytes])).toMatchObject({ ok: true });
  // The same nonce again, with other bytes: refused, and nothing of it stays.
  const other = updateBytes(test, test.devices[0]!, 1, 1);
  expect(other).not.toEqual(bytes);
  const unsigned = {
    ...waiting.transaction,
    payloads: [{ id: payloadId(other), size: other.length }],
  };
  const second = signTransaction(unsigned, test.devices[0]!.secret);
  expect(await node.submit(second, [other])).toMatchObject({ ok: false });
  await until(node, () => !store.hasPayload(payloadId(other)));
  expect(store.hasPayload(payloadId(bytes))).toBe(true);
  // The same bytes by a sender that waits keep them, though another one's transaction is refused.
  const third = signTransaction(
    { ...unsigned, args: { task: 1, round: 2 }, payloads: [...waiting.transaction.payloads] },
    test.devices[0]!.secret,
  );
  expect(await node.submit(third, [bytes])).toMatchObject({ ok: false });
  await until(node, () => node.metrics().droppedPayloadBytes === other.length);
  expect(store.hasPayload(payloadId(bytes))).toBe(true);
  await node.close();
  // After a restart nothing waits any more.
  const again = await nodeOf(test, 0, path, createMemoryNetwork());
  await until(again.node, () => !again.store.hasPayload(payloadId(bytes)));
  expect(again.failures).toEqual([]);
}, 30_000);
