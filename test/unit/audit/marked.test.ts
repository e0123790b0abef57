import { beforeAll, describe, expect, it } from 'vitest';
import {
  checkProofs,
  createReplay,
  formatDocument,
  type Replay,
  type ReplayEntry,
} from '../../../audit/index.js';
import {
  decodeReceipt,
  encodeReceipt,
  payloadId,
  type Receipt,
  readState,
  treeRoot,
} from '../../../chain/index.js';
import { closedEvents, closedRoundCell, taskCell } from '../../../contracts/index.js';
import { bytesToHex, equalBytes } from '../../../crypto/index.js';
import {
  createTestChain,
  fedAdam,
  publicTask,
  startTask,
  type TestChain,
  updateBytes,
  updateCall,
} from '../../support/chain.js';
import { trainedChain } from '../../support/exportedChain.js';
import { closedAt, prunedEntries, restsOf } from '../../support/prunedChain.js';

const ROUNDS = 6;
const PRUNED_ROUNDS = 3;

let test: TestChain;
let entries: readonly ReplayEntry[];
beforeAll(async () => {
  test = trainedChain(ROUNDS);
  entries = await prunedEntries(test, restsOf(test, PRUNED_ROUNDS));
});

function replayOf(given: readonly ReplayEntry[]): Replay {
  const replay = createReplay(test.chain);
  for (const entry of given) if (replay.take(entry) !== null) break;
  return replay;
}

function altered(height: number, change: (entry: ReplayEntry) => Partial<ReplayEntry>): ReplayEntry[] {
  return entries.map((entry, i) => (i === height - 1 ? { ...entry, ...change(entry) } : entry));
}

/** The same receipts, one of them changed and encoded anew. */
function withReceipt(height: number, at: number, change: (receipt: Receipt) => Receipt): ReplayEntry[] {
  return altered(height, ({ receipts }) => ({
    receipts: receipts!.map((raw, i) => (i === at ? encodeReceipt(change(decodeReceipt(raw))) : raw)),
  }));
}

type Verdict = readonly [qualified: boolean, reason: string | null, score16: number];
type Name = readonly [id: Uint8Array, size: number];
/** As it stands in the event of a closing. */
type Said = readonly [
  verdicts: readonly Verdict[],
  weights: Name,
  accumulator: Name | null,
  optimizer: Name | null,
];

/** The closing of round 2, other than it was. */
function withOutcome(change: (outcome: Said) => Said): ReplayEntry[] {
  return withReceipt(closedAt(test, 2), 0, (receipt) => ({
    ...receipt,
    events: receipt.events.map((event) => {
      if (event.kind !== 'closed') return event;
      const fields = event.fields as { readonly outcome: Said };
      return { ...event, fields: { ...fields, outcome: change(fields.outcome) } };
    }),
  }));
}

const first = (verdicts: readonly Verdict[], change: (verdict: Verdict) => Verdict): readonly Verdict[] =>
  verdicts.map((verdict, i) => (i === 0 ? change(verdict) : verdict));

const otherId = (id: Uint8Array) => id.map((byte, i) => (i === 0 ? byte ^ 1 : byte));

describe('a chain of which payloads are pruned', () => {
  it('is executed with marked inputs, and gives the live state root at every height', () => {
    const replay = createReplay(test.chain);
    for (const [i, entry] of entries.entries()) {
      expect(replay.take(entry)).toBeNull();
      expect(bytesToHex(treeRoot(replay.tip.state))).toBe(bytesToHex(treeRoot(test.blocks[i]!.tip.state)));
    }
    expect(closedRoundCell.get(readState(replay.tip.state), 1, ROUNDS)).toEqual(
      closedRoundCell.get(test.state, 1, ROUNDS),
    );
  });

  it('is reported: which rounds were computed again, which were not, and at which heights', () => {
    const report = replayOf(entries).report();
    expect(report).toMatchObject({ ok: true, complete: false, divergence: null });
    expect(report.rounds).toEqual([
      {
        task: 1,
        how: 'marked',
        from: 1,
        to: PRUNED_ROUNDS,
        closed: PRUNED_ROUNDS,
        firstHeight: closedAt(test, 1),
        lastHeight: closedAt(test, PRUNED_ROUNDS),
        verdicts: 8 * PRUNED_ROUNDS,
      },
      {
        task: 1,
        how: 'recomputed',
        from: PRUNED_ROUNDS + 1,
        to: ROUNDS,
        closed: ROUNDS - PRUNED_ROUNDS,
        firstHeight: closedAt(test, PRUNED_ROUNDS + 1),
        lastHeight: closedAt(test, ROUNDS),
        verdicts: 8 * (ROUNDS - PRUNED_ROUNDS),
      },
    ]);
    expect(report.checked).toMatchObject({ models: ROUNDS - PRUNED_ROUNDS, stateRoots: test.tip.height });
    const absent = entries.flatMap(({ payloads }) => payloads).filter((one) => one === null).length;
    expect(report.unchecked).toContainEqual(expect.objectContaining({ what: 'payloads', count: absent }));
    expect(report.unchecked).toContainEqual(
      expect.objectContaining({
        what: 'models and what rounds remember',
        count: PRUNED_ROUNDS,
        first: closedAt(test, 1),
      }),
    );
    const source = {
      file: 'f',
      bytes: 1,
      sha256: null,
      genesisFile: 'g',
      genesisSha256: '',
      software: '',
      runtime: '',
      finishedAt: '',
      seconds: 1,
    };
    const document = formatDocument(report, source);
    expect(document).toContain('Not everything could be checked.');
    expect(document).toMatch(/\| 1 \| 1 to 3 \| 3 \| 24 \| \d+ to \d+ \| NOT computed again/);
    expect(document).toMatch(/\| 1 \| 4 to 6 \| 3 \| 24 \| \d+ to \d+ \| computed again from the updates/);
  });

  it('is found the same with the proofs checked beside it', () => {
    const replay = createReplay(test.chain);
    for (const entry of entries) expect(replay.settle(checkProofs([replay.defer(entry)!])[0]!)).toBeNull();
    expect(replay.report()).toEqual(replayOf(entries).report());
  });

  it('is computed again as far as possible when nothing is pruned, receipts or not', async () => {
    const whole = await prunedEntries(test, new Set());
    expect(whole.every(({ receipts }) => receipts === undefined)).toBe(true);
    const receipts = (i: number) => test.blocks[i]!.executed.receipts.map(encodeReceipt);
    const report = replayOf(test.entries.map((entry, i) => ({ ...entry, receipts: receipts(i) }))).report();
    expect(report).toMatchObject({
      ok: true,
      complete: true,
      rounds: [{ how: 'recomputed', closed: ROUNDS }],
    });
  });

  it('needs marks again when a later round is pruned between whole ones', async () => {
    const only = restsOf(test, 5);
    for (const id of restsOf(test, 4)) only.delete(id);
    const report = replayOf(await prunedEntries(test, only)).report();
    expect(report.rounds.map(({ how, from, to }) => [how, from, to])).toEqual([
      ['recomputed', 1, 4],
      ['marked', 5, 5],
      ['recomputed', 6, 6],
    ]);
  });

  it.each<[string, (outcome: Said) => Said]>([
    ['a score', ([verdicts, ...rest]) => [first(verdicts, ([q, r, score]) => [q, r, score + 1]), ...rest]],
    [
      'a verdict',
      ([verdicts, ...rest]) => [first(verdicts, ([, , score]) => [false, 'opposes', score]), ...rest],
    ],
    ['one verdict less', ([verdicts, ...rest]) => [verdicts.slice(1), ...rest]],
    ['the model', ([verdicts, [id, size], ...memory]) => [verdicts, [otherId(id), size], ...memory]],
    ['the model’s size', ([verdicts, [id, size], ...memory]) => [verdicts, [id, size + 1], ...memory]],
    [
      'the accumulator',
      ([verdicts, model, memory, kept]) => [verdicts, model, [otherId(memory![0]), memory![1]], kept],
    ],
    ['no accumulator', ([verdicts, model, , kept]) => [verdicts, model, null, kept]],
    ['an optimizer state', ([verdicts, model, memory]) => [verdicts, model, memory, model]],
  ])('is refused at its height when the receipts say something else of %s', (_, change) => {
    const { divergence } = replayOf(withOutcome(change)).report();
    expect(divergence).toMatchObject({
      height: closedAt(test, 2),
      reason: 'wrong-receipts',
      key: 'receiptsRoot',
    });
  });

  it('is refused when an update that was taken is said to have been refused, and the other way round', () => {
    const height = test.blocks.findIndex(({ block }) => block.transactions[0]?.method === 'update') + 1;
    const refused = withReceipt(height, 1, (receipt) => ({
      ...receipt,
      ok: false,
      code: 'over-norm-cap',
      detail: 'no honest update of this device can be this long',
      events: [],
    }));
    expect(replayOf(refused).report().divergence).toMatchObject({ height, reason: 'wrong-receipts' });
  });

  it('is refused when the marked inputs are left out, or are another height’s', () => {
    const height = closedAt(test, 2);
    const { receipts: _, ...bare } = entries[height - 1]!;
    const without = entries.map((entry, i) => (i === height - 1 ? bare : entry));
    expect(replayOf(without).report().divergence).toMatchObject({
      height,
      reason: 'missing-payload',
      key: '1/2',
    });
    const at = entries.findIndex(({ payloads }) => payloads.includes(null)) + 1;
    const { receipts: __, ...naked } = entries[at - 1]!;
    const silent = entries.map((entry, i) => (i === at - 1 ? naked : entry));
    expect(replayOf(silent).report().divergence).toMatchObject({ height: at, reason: 'missing-receipts' });
    const foreign = altered(height, () => ({ receipts: entries[closedAt(test, 1) - 1]!.receipts! }));
    expect(replayOf(foreign).report().divergence).toMatchObject({ height, reason: 'wrong-receipts' });
  });

  it('is refused when another model is given than the marked closing made', () => {
    const height = closedAt(test, PRUNED_ROUNDS);
    expect(entries[height - 1]!.made).toHaveLength(2);
    for (const change of [
      (made: readonly Uint8Array[]) => [otherId(made[0]!), made[1]!],
      (made: readonly Uint8Array[]) => [...made, Uint8Array.of(1)],
      (made: readonly Uint8Array[]) => [...made, new Uint8Array(0)],
    ]) {
      const { divergence } = replayOf(altered(height, ({ made }) => ({ made: change(made!) }))).report();
      expect(divergence).toMatchObject({ height, reason: 'foreign-payload' });
    }
    const { divergence } = replayOf(altered(height, () => ({ made: [] }))).report();
    expect(divergence).toMatchObject({
      height: closedAt(test, PRUNED_ROUNDS + 1),
      reason: 'missing-payload',
    });
  });
});

it('what an optimizer keeps is marked, given and missed like the accumulator', async () => {
  const own = trainedChain(4, { server: fedAdam });
  const pruned = await prunedEntries(own, restsOf(own, 2));
  const height = closedAt(own, 2);
  const replayed = (change: (made: readonly Uint8Array[]) => readonly Uint8Array[]): Replay => {
    const replay = createReplay(own.chain);
    for (const [i, entry] of pruned.entries()) {
      const given = i === height - 1 ? { ...entry, made: change(entry.made!) } : entry;
      if (replay.take(given) !== null) break;
    }
    return replay;
  };
  const whole = replayed((made) => made);
  expect(whole.report()).toMatchObject({
    ok: true,
    rounds: [
      { how: 'marked', from: 1, to: 2 },
      { how: 'recomputed', from: 3, to: 4 },
    ],
  });
  expect(treeRoot(whole.tip.state)).toEqual(treeRoot(own.tip.state));
  const { outcome } = closedEvents(own.blocks[height - 1]!.executed.receipts[0]!)[0]!;
  const isOptimizer = (bytes: Uint8Array) => equalBytes(payloadId(bytes), outcome.optimizer!.id);
  expect(pruned[height - 1]!.made!.map(isOptimizer)).toEqual([false, false, true]);
  const missed = replayed((made) => made.filter((bytes) => !isOptimizer(bytes)));
  expect(missed.report().divergence).toMatchObject({
    height: closedAt(own, 3),
    reason: 'missing-payload',
    key: '1/3',
  });
  const forged = replayed((made) => made.map((bytes) => (isOptimizer(bytes) ? otherId(bytes) : bytes)));
  expect(forged.report().divergence).toMatchObject({ height, reason: 'foreign-payload' });
});

describe('bytes that two devices send', () => {
  it('are marked for each transaction on its own: they may fit the one and not the other', async () => {
    const own = createTestChain();
    const [one, two] = own.devices as [TestChain['devices'][0], TestChain['devices'][0]];
    startTask(own, publicTask({ rounds: 1 }));
    const units = taskCell.get(own.state, 1)!.spec.devicesMax;
    expect(units).toBeGreaterThan(1);
    const bytes = updateBytes(own, one, 1);
    own.block([
      updateCall(own, one, 1, bytes),
      updateCall(own, two, 1, bytes),
      updateCall(own, two, 1, bytes),
    ]);
    const { receipts } = own.blocks.at(-1)!.executed;
    expect(receipts.map(({ code }) => code)).toEqual([null, null, null, 'already-submitted']);
    const pruned = await prunedEntries(own, new Set([bytesToHex(payloadId(bytes))]));
    const replay = createReplay(own.chain);
    for (const entry of pruned) expect(replay.take(entry)).toBeNull();
    expect(replay.report()).toMatchObject({ ok: true });
  });
});
