import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createReplay, neededRefs, type ReplayEntry } from '../../../../audit/index.js';
import {
  decodeBlock,
  decodeCertificate,
  encodeReceipt,
  payloadId,
  type Receipt,
  readState,
  type Transaction,
  treeEntries,
  treeRoot,
} from '../../../../chain/index.js';
import { type ClosedEvent, closedEvents, evaluationCell, modelCell } from '../../../../contracts/index.js';
import { closedEventFields } from '../../../../contracts/training/outcome.js';
import { bytesToHex, hexToBytes } from '../../../../crypto/index.js';
import { createMarking } from '../../../../node/export/marking.js';
import { neededNow, PruningPlan } from '../../../../node/pruning/plan.js';
import { Pruner } from '../../../../node/pruning/pruner.js';
import { repairChain } from '../../../../node/repair.js';
import { key } from '../../../../node/store/entries.js';
import { beginBaseFolder, openStore, type Store } from '../../../../node/store/index.js';
import { fedAdam, playRound, type TestChain } from '../../../support/chain.js';
import { opened } from '../../../support/evaluation.js';
import { trainedChain } from '../../../support/exportedChain.js';
import { tempFolder, writeChain } from '../../../support/network.js';
import { closedAt } from '../../../support/prunedChain.js';
import { copyStore } from '../../../support/storeCopy.js';

const ROUNDS = 6;
const WINDOW = 6;

let test: TestChain;
const folders: Awaited<ReturnType<typeof tempFolder>>[] = [];
beforeAll(() => {
  test = trainedChain(ROUNDS, { auditHeights: WINDOW });
}, 60_000);
afterEach(async () => {
  for (const folder of folders.splice(0)) await folder.remove();
});

const open = (path: string): Promise<Store> => {
  const { chainId, tip } = test.chain;
  return openStore({ path, chainId, genesisState: tip.state, create: true });
};

async function written(upTo?: number): Promise<string> {
  const folder = await tempFolder();
  folders.push(folder);
  const path = join(folder.path, 'data');
  await writeChain(test, path, upTo);
  return path;
}

function prunerOf(store: Store, change: Partial<ConstructorParameters<typeof Pruner>[0]> = {}): Pruner {
  return new Pruner({
    store,
    isWanted: () => false,
    serially: (step) => step(),
    onError: (error) => {
      throw error;
    },
    ...change,
  });
}

/** Hex ids of updates in blocks below the height at which this round closed. */
function updatesThrough(round: number): readonly string[] {
  const heights = test.blocks.slice(0, closedAt(test, round) - 1);
  return heights.flatMap(({ block }) =>
    block.transactions
      .filter(({ method }) => method === 'update')
      .flatMap(({ payloads }) => payloads.map(({ id }) => bytesToHex(id))),
  );
}

const heldIn = (store: Store, ids: readonly string[]) => ids.filter((id) => store.hasPayload(hexToBytes(id)));

async function entriesOf(store: Store): Promise<readonly ReplayEntry[]> {
  const mark = createMarking(async ({ id }) => store.payload(id));
  const entries: ReplayEntry[] = [];
  for (let height = 1; height <= store.head.height; height += 1) {
    const { block, certificate, receipts } = store.blockBytes(height)!;
    const decoded = decodeBlock(block);
    const payloads = decoded.transactions.flatMap((one) => one.payloads.map(({ id }) => store.payload(id)));
    entries.push({ block, certificate, payloads, ...(await mark(decoded, payloads, receipts())) });
  }
  return entries;
}

/** The last round whose window is over at the chain's end. */
const lastPruned = () =>
  Math.max(...[1, 2, 3, 4, 5, 6].filter((round) => closedAt(test, round) + WINDOW <= test.tip.height));

describe('payloads whose audit window is over', () => {
  it('go, with the models and accumulators that were superseded; what is younger stays, and so does the model', async () => {
    const store = await open(await written());
    const pruner = prunerOf(store);
    await pruner.runOut();
    const last = lastPruned();
    expect(last).toBeGreaterThan(1);
    expect(last).toBeLessThan(ROUNDS);
    expect(heldIn(store, updatesThrough(last))).toEqual([]);
    const younger = updatesThrough(ROUNDS).filter((id) => !updatesThrough(last).includes(id));
    expect(heldIn(store, younger)).toEqual(younger);
    const outcomes = test.blocks.flatMap(({ executed }) => closedEvents(executed.receipts[0]!));
    const held = outcomes.map(({ outcome }) => [
      store.hasPayload(outcome.weights.id),
      store.hasPayload(outcome.accumulator!.id),
    ]);
    // What a round made is what the next one began with.
    expect(held).toEqual(outcomes.map(({ round }) => [round >= last, round >= last]));
    expect(store.hasPayload(modelCell.get(readState(store.state()), 1)!.id)).toBe(true);
    expect(pruner.counts.payloads).toBe(updatesThrough(last).length + 1 + 2 * (last - 1));
    expect(pruner.counts.bytes).toBeGreaterThan(0);
    await store.close();
  });

  it('go with what an optimizer kept, unless the next round begins with it too', async () => {
    const adam = trainedChain(ROUNDS, { auditHeights: WINDOW, server: fedAdam });
    const [one, two, three] = adam.blocks.flatMap(({ executed }) => closedEvents(executed.receipts[0]!));
    const receiptOf = (closed: ClosedEvent, outcome: Partial<ClosedEvent['outcome']>): Receipt => {
      const fields = closedEventFields({ ...closed, outcome: { ...closed.outcome, ...outcome } });
      return {
        transaction: null,
        ok: true,
        code: null,
        detail: null,
        events: [{ contract: 'training', kind: 'closed', fields }],
      };
    };
    const dueAfter = (outcome: Partial<ClosedEvent['outcome']>): readonly string[] => {
      const plan = new PruningPlan({ auditHeights: () => 0, base: 0, isHeld: () => true });
      for (const [i, begun] of [receiptOf(one!, {}), receiptOf(two!, outcome)].entries())
        plan.feed({ height: i + 1, transactions: [], receipts: [begun] });
      return plan.dueBy(2);
    };
    const kept = one!.outcome.optimizer!;
    expect(dueAfter({})).toContain(bytesToHex(kept.id));
    // Nothing qualified: the optimizer's state goes on as it was.
    expect(dueAfter({ optimizer: kept })).not.toContain(bytesToHex(kept.id));
    expect(three!.outcome.optimizer).not.toEqual(two!.outcome.optimizer);

    const folder = await tempFolder();
    folders.push(folder);
    const path = join(folder.path, 'data');
    await writeChain(adam, path);
    const { chainId, tip } = adam.chain;
    const store = await openStore({ path, chainId, genesisState: tip.state, create: false });
    await prunerOf(store).runOut();
    const outcomes = adam.blocks.flatMap(({ executed }) => closedEvents(executed.receipts[0]!));
    const held = outcomes.map(({ outcome }) => store.hasPayload(outcome.optimizer!.id));
    const last = outcomes.filter(({ round }) => closedAt(adam, round) + WINDOW <= adam.tip.height).length;
    expect(last).toBeGreaterThan(1);
    expect(held).toEqual(outcomes.map(({ round }) => round >= last));
    await store.close();
  });

  it('that two tasks share go by the longer window, whoever was first', () => {
    const bytes = { id: new Uint8Array(32).fill(5), size: 1 };
    const windows = new Map([
      [1, 2],
      [2, 10],
    ]);
    const begun = { transaction: null, ok: true, code: null, detail: null, events: [] };
    const refused = { ...begun, ok: false };
    const update = (task: number): Transaction => {
      const own = test.blocks.flatMap(({ block }) => block.transactions);
      const one = own.find(({ method }) => method === 'update')!;
      return { ...one, args: { task, round: 1 }, payloads: [bytes] };
    };
    for (const order of [
      [1, 2],
      [2, 1],
    ]) {
      const auditHeights = (task: number) => windows.get(task) ?? null;
      const plan = new PruningPlan({ auditHeights, base: 0, isHeld: () => true });
      for (const [i, task] of order.entries())
        plan.feed({ height: i + 1, transactions: [update(task)], receipts: [begun, refused] });
      const last = order.indexOf(2) + 1 + 10;
      expect(plan.dueBy(last - 1)).toEqual([]);
      expect(plan.dueBy(last)).toEqual([bytesToHex(bytes.id)]);
    }
  });

  it('of a folder that was joined go from its base on; what the base rests on stays', async () => {
    const folder = await tempFolder();
    folders.push(folder);
    const path = join(folder.path, 'joined');
    const at = closedAt(test, 2) - 1;
    const { block, hash, tip } = test.blocks[at - 1]!;
    const certificateOf = (height: number) => {
      const { chainId: _, ...certificate } = decodeCertificate(test.entries[height - 1]!.certificate);
      return certificate;
    };
    const needed = neededRefs(readState(tip.state));
    const built = await beginBaseFolder(path, test.chain.chainId, null);
    await built.putState(treeEntries(tip.state));
    for (const { id } of needed) await built.putPayload(id, test.payloadOf(id)!);
    const parentSeed = test.blocks[at - 2]!.tip.seed;
    await built.finish({ header: block.header, hash, certificate: certificateOf(at), parentSeed }, needed);
    const store = await open(path);
    for (const judged of test.blocks.slice(at)) {
      for (const { id } of judged.block.transactions.flatMap(({ payloads }) => payloads))
        await store.putPayload(id, test.payloadOf(id)!);
      const { height } = judged.block.header;
      const commit = { ...judged.executed, block: judged.block, hash: judged.hash };
      await store.commit({ ...commit, certificate: certificateOf(height) });
    }
    await prunerOf(store).runOut();
    const last = lastPruned();
    expect(last).toBeGreaterThan(2);
    const since = updatesThrough(last).filter((id) => !updatesThrough(2).includes(id));
    expect(since.length).toBeGreaterThan(0);
    expect(heldIn(store, since)).toEqual([]);
    const below = needed.map(({ id }) => bytesToHex(id));
    expect(heldIn(store, below)).toEqual(below);
    await store.close();
    await (await open(path)).close();
  });

  it('leave a chain that opens, exports and replays, with the live state root at every height', async () => {
    const path = await written();
    const store = await open(path);
    await prunerOf(store).runOut();
    await store.close();
    const again = await open(path);
    const replay = createReplay(test.chain);
    for (const [i, entry] of (await entriesOf(again)).entries()) {
      expect(replay.take(entry)).toBeNull();
      expect(treeRoot(replay.tip.state)).toEqual(test.blocks[i]!.block.header.stateRoot);
    }
    const last = lastPruned();
    expect(replay.report().rounds).toMatchObject([
      { how: 'marked', from: 1, to: last, lastHeight: closedAt(test, last) },
      { how: 'recomputed', from: last + 1, to: ROUNDS },
    ]);
    await again.close();
  });

  it('go one after the other as the chain grows, and none before its time', async () => {
    const path = await written(closedAt(test, 1) + WINDOW - 1);
    let store = await open(path);
    const early = prunerOf(store);
    await early.runOut();
    expect(early.counts.payloads).toBe(0);
    await store.close();
    await writeChain(test, path, closedAt(test, 1) + WINDOW);
    store = await open(path);
    await prunerOf(store).runOut();
    expect(heldIn(store, updatesThrough(1))).toEqual([]);
    expect(heldIn(store, updatesThrough(2)).length).toBe(updatesThrough(2).length - updatesThrough(1).length);
    await store.close();
  });

  it('may go at any moment of a crash: every folder in between opens, and ends the same', async () => {
    const path = await written();
    const store = await open(path);
    const copies: string[] = [];
    const keep = () => {
      copies.push(`${path}-${copies.length}`);
      copyStore(path, copies.at(-1)!);
    };
    // One payload a write, so that there are many boundaries.
    const pruner = prunerOf({
      ...store,
      get head() {
        return store.head;
      },
      prunePayloads: async (ids) => {
        let bytes = 0;
        for (const id of ids) {
          keep();
          bytes += await store.prunePayloads([id]);
        }
        return bytes;
      },
    } as Store);
    await pruner.runOut();
    keep();
    await store.close();
    expect(copies.length).toBe(pruner.counts.payloads + 1);
    for (const copy of copies.filter((_, i) => i % 5 === 0 || i === copies.length - 1)) {
      const opened = await open(copy);
      await prunerOf(opened).runOut();
      expect(heldIn(opened, updatesThrough(lastPruned()))).toEqual([]);
      await opened.close();
    }
  });

  it('stay while somebody wants them, and go later', async () => {
    const store = await open(await written());
    const [wanted] = updatesThrough(1) as [string];
    let isWanted = true;
    const pruner = prunerOf(store, { isWanted: (id) => isWanted && bytesToHex(id) === wanted });
    await pruner.runOut();
    expect(heldIn(store, updatesThrough(1))).toEqual([wanted]);
    isWanted = false;
    await pruner.runOut();
    expect(store.hasPayload(hexToBytes(wanted))).toBe(true);
    // Asked again some heights later: as after a restart, which reads everything again.
    await prunerOf(store).runOut();
    expect(store.hasPayload(hexToBytes(wanted))).toBe(false);
    await store.close();
  });

  it('of one task go at once when it is to be erased; its model stays', async () => {
    const store = await open(await written());
    await prunerOf(store, { erase: 1 }).runOut();
    expect(heldIn(store, updatesThrough(ROUNDS))).toEqual([]);
    expect(store.hasPayload(modelCell.get(readState(store.state()), 1)!.id)).toBe(true);
    await store.close();
  });
});

describe('a payload that is gone', () => {
  async function tampered(change: (database: ClassicLevel<string, Uint8Array>, id: string) => Promise<void>) {
    const path = await written();
    const store = await open(path);
    await prunerOf(store).runOut();
    await store.close();
    const database = new ClassicLevel<string, Uint8Array>(path, { valueEncoding: 'view' });
    await database.open();
    await change(database, updatesThrough(1)[0]!);
    await database.close();
    return path;
  }

  it('without its mark is damage and not pruning', async () => {
    const path = await tampered((database, id) => database.del(key.pruned(id)));
    await expect(open(path)).rejects.toMatchObject({ code: 'damaged' });
  });

  it('with an altered mark, or another payload’s, is damage too', async () => {
    const other = updatesThrough(1)[1]!;
    const flipped = await tampered(async (database, id) => {
      const mark = Uint8Array.from((await database.get(key.pruned(id)))!);
      mark[7]! ^= 1;
      await database.put(key.pruned(id), mark);
    });
    await expect(open(flipped)).rejects.toMatchObject({ code: 'damaged' });
    const swapped = await tampered(async (database, id) =>
      database.put(key.pruned(id), (await database.get(key.pruned(other)))!),
    );
    await expect(open(swapped)).rejects.toMatchObject({ code: 'damaged' });
  });

  it('is told from one that is lost by a repair, which keeps a pruned chain whole', async () => {
    const path = await tampered(async (database) => {
      const last = key.index(bytesToHex(test.tip.hash).slice(0, 24));
      for await (const name of database.keys({ gte: 'index/', limit: 1 })) await database.del(name);
      expect(last).toContain('index/');
    });
    const options = { chain: test.chain, path, votesLost: false, voteAfter: null };
    const report = await repairChain(options);
    expect(report).toMatchObject({ outcome: 'repaired', ended: null, height: test.tip.height });
    const store = await open(path);
    expect(treeRoot(store.state())).toEqual(treeRoot(test.tip.state));
    expect(store.hasPayload(modelCell.get(readState(store.state()), 1)!.id)).toBe(true);
    expect(heldIn(store, updatesThrough(1))).toEqual([]);
    await store.close();
  });
});

it('what no block has announced is known as such, also after a restart, and a block ends that', async () => {
  const path = await written(1);
  let store = await open(path);
  const bytes = Uint8Array.of(1, 2, 3);
  const id = payloadId(bytes);
  await store.putPayload(id, bytes);
  await store.close();
  store = await open(path);
  expect((await store.loosePayloads(10)).map(bytesToHex)).toContain(bytesToHex(id));
  const announced = test.blocks.flatMap(({ block }) =>
    block.transactions.flatMap(({ payloads }) => payloads),
  )[0]!;
  await store.close();
  await writeChain(test, path);
  store = await open(path);
  expect((await store.loosePayloads(10)).map(bytesToHex)).toEqual([bytesToHex(id)]);
  expect(await store.dropLoose([id, announced.id])).toBe(3);
  expect([store.hasPayload(id), store.hasPayload(announced.id)]).toEqual([false, true]);
  expect(encodeReceipt(test.blocks[0]!.executed.receipts[0]!).length).toBeGreaterThan(0);
  await store.close();
});

it('what a block on its way to the disk announces is not loose, though its marks still say so', async () => {
  const at = test.blocks.findIndex(({ block }) =>
    block.transactions.some(({ payloads }) => payloads.length > 0),
  );
  const { block, hash, executed } = test.blocks[at]!;
  const announced = block.transactions.flatMap(({ payloads }) => payloads.map(({ id }) => id));
  const made = [...executed.payloads.keys()].map(hexToBytes);
  const { chainId: _, ...certificate } = decodeCertificate(test.entries[at]!.certificate);
  const store = await open(await written(at));
  const committed = store.commit({ ...executed, block, hash, certificate });
  expect(await store.dropLoose([...announced, ...made])).toBe(0);
  await committed;
  for (const id of announced) expect(store.hasPayload(id)).toBe(true);
  await store.close();
});

describe('what is needed now', () => {
  it('is also the model that an open evaluation is of, though it is no longer the newest', () => {
    const evaluated = opened();
    const id = bytesToHex(evaluationCell.get(evaluated.state, 1)!.weights.id);
    playRound(evaluated);
    expect(bytesToHex(modelCell.get(evaluated.state, 1)!.id)).not.toBe(id);
    expect(neededNow(evaluated.state).has(id)).toBe(true);
    const { openedTime } = evaluationCell.get(evaluated.state, 1)!;
    evaluated.block([], openedTime + 500);
    evaluated.block([]);
    expect(neededNow(evaluated.state).has(id)).toBe(false);
  });
});
