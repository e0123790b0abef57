import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { payloadId, readState, signTransaction, treeRoot } from '../../../../chain/index.js';
import { modelCell } from '../../../../contracts/index.js';
import { bytesToHex } from '../../../../crypto/index.js';
import { createMemoryNetwork } from '../../../../net/index.js';
import { systemClock } from '../../../../node/driver/clock.js';
import { computeClosings } from '../../../../node/driver/closings.js';
import { Pruner } from '../../../../node/pruning/pruner.js';
import { openStore } from '../../../../node/store/index.js';
import {
  createTestChain,
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

it('a new node catches up with one that has pruned, to the same state, and can be caught up with', async () => {
  const test = trainedChain(6, { auditHeights: 4 });
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
}, 60_000);

it('an outcome that was taken from receipts is never voted on', async () => {
  const test = trainedChain(2);
  const height = closedAt(test, 1);
  const parent = test.blocks[height - 2]!.tip;
  const outcome = [...test.closings().values()];
  expect(outcome).toEqual([]);
  const marked = { verdicts: [], weights: { id: new Uint8Array(32), size: 1 }, accumulator: null };
  const parts = {
    closer: {
      run: async () => {
        throw new Error('nothing to run');
      },
      close: async () => {},
    },
    clock: systemClock,
    isClosed: () => false,
  };
  const computed = await computeClosings(parent, {
    ...parts,
    store: { payload: () => null },
    marks: { forClosing: async () => ({ kind: 'marked', outcome: marked }) },
  });
  expect(computed).toMatchObject({ isMarked: true });
  const closed = await computeClosings(parent, {
    ...parts,
    store: { payload: () => null },
    marks: { forClosing: async () => null },
    isClosed: () => true,
  });
  expect(closed).toBeNull();
});

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
