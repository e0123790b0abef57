import { describe, expect, it } from 'vitest';
import { createReplay } from '../../../audit/index.js';
import {
  blockHash,
  type Contract,
  encodeCertificate,
  type StateAccess,
  signVote,
} from '../../../chain/index.js';
import { buildBlock, type Judged, quorumOf } from '../../../consensus/index.js';
import {
  type Closings,
  closedRoundCell,
  closingJob,
  dueClosings,
  ledgerCell,
  modelCell,
  newestProtocol,
  roundCell,
  runClosing,
} from '../../../contracts/index.js';
import { bytesToHex, sha256, sign } from '../../../crypto/index.js';
import { type ComputedOutcome, type RoundOutcome, roundRho } from '../../../fl/index.js';
import {
  createTestChain,
  dataset,
  playRound,
  startTask,
  type TestChain,
  taskSpec,
  updateBytes,
  updateCall,
} from '../../support/chain.js';
import type { Person } from '../../support/genesis.js';
import {
  append,
  type Draft,
  type LogEntry,
  NO_SIGNATURE,
  NOBODY,
  updateMessage,
  verifyLog,
} from '../../support/signedLog.js';

/*
 * The dishonest coordinator has one of four validators in its hands, with everything that it knows: its keys, its
 * rules, its state. It leads at the height in question. The other three judge and vote as validators do. Against a
 * plain signed log it has the log's key, which is all that the log has.
 */

/** A chain in which every device's update for round 1 is in a block, and the next block closes the round. */
function due(): TestChain {
  const test = createTestChain();
  startTask(test, taskSpec());
  test.block(test.devices.map((device) => updateCall(test, device, 1)));
  return test;
}

/** The coordinator's block: under its own rules, or with its own verdicts. */
function forge(test: TestChain, closings: Closings, evil?: (state: StateAccess) => void): Judged {
  const contract: Contract<RoundOutcome> = {
    name: 'evil',
    methods: {},
    beginBlock: ({ state }) => evil?.(state),
  };
  const { rules } = test.chain;
  const protocol = rules.protocols.get(newestProtocol)!;
  const bent = {
    ...rules,
    protocols: new Map([[newestProtocol, { ...protocol, contracts: [...protocol.contracts, contract] }]]),
  };
  return buildBlock(bent, test.tip, test.draft([]), closings, test.payloadOf);
}

/** Cert votes for a block: the coordinator votes for its own, the others for what they have judged valid. */
function votesFor(test: TestChain, { block, tip }: Judged) {
  const { chainId } = test.chain;
  const hash = blockHash(block.header);
  const vote = { height: tip.height, period: 0, step: 'cert', value: hash } as const;
  return tip.committee.flatMap((seat, member) => {
    const isCoordinator = member === 0;
    if (!isCoordinator && !test.judge(block).ok) return [];
    const { secret } = test.secretOf(seat);
    return [{ member, vote: signVote(chainId, vote, seat.publicKey, secret) }];
  });
}

/**
 * The others refuse the block for this reason, so it gets no certificate; a replay finds it, with the one signature
 * that it has, and also if all keys had leaked and everybody had signed it.
 */
function expectCaught(test: TestChain, forged: Judged, reason: string): void {
  const { height, hash, committee } = forged.tip;
  expect(test.judge(forged.block)).toMatchObject({ ok: false, reason });
  const votes = votesFor(test, forged);
  expect(votes.map(({ member }) => member)).toEqual([0]);
  expect(votes.length).toBeLessThan(quorumOf(committee.length));
  const alone = {
    height,
    period: 0,
    hash,
    bitmap: Uint8Array.of(1),
    signatures: votes.map(({ vote }) => vote.signature),
  };
  const before = test.entries.slice();
  test.adopt(forged);
  const signedByAll = test.entries.at(-1)!;
  const signedAlone = { ...signedByAll, certificate: encodeCertificate(test.chain.chainId, alone) };
  for (const entry of [signedByAll, signedAlone]) {
    const replay = createReplay(test.chain);
    for (const one of [...before, entry]) replay.take(one);
    expect(replay.report()).toMatchObject({ ok: false, divergence: { height, reason } });
  }
}

describe('a dishonest coordinator of a chain', () => {
  it('cannot drop an update: the next leader takes it, and no verdict leaves it out', () => {
    const test = createTestChain();
    startTask(test, taskSpec());
    const [left, ...others] = test.devices as [Person, ...Person[]];
    // As leader it leaves the update out, which is no fault of a block. The round waits for it.
    const update = updateCall(test, left, 1);
    test.block(others.map((device) => updateCall(test, device, 1)));
    test.empty();
    expect(dueClosings(test.state, test.tip.height, test.tip.time)).toEqual([]);
    // Every validator has the update, so the next honest leader's block has it.
    expect(test.call(update)).toMatchObject({ ok: true });
    // As the leader who closes the round it computes the verdict without it.
    const [closing] = dueClosings(test.state, test.tip.height, test.tip.time);
    const job = closingJob(closing!, test.payloadOf)!;
    const dropped = bytesToHex(left.publicKey);
    const updates = job.input.updates.filter(({ device }) => device !== dropped);
    expect(updates).toHaveLength(3);
    const outcome = runClosing({ ...job, input: { ...job.input, updates } });
    expectCaught(test, forge(test, new Map([[job.id, outcome]])), 'wrong-receipts');
  });

  it('cannot change a model afterwards: neither at the closing nor in the state', () => {
    const test = due();
    const [[id, outcome]] = [...test.closings()] as [[string, ComputedOutcome]];
    const weights = outcome.weights.map((byte, i) => (i === 0 ? byte ^ 8 : byte));
    expectCaught(test, forge(test, new Map([[id, { ...outcome, weights }]])), 'wrong-receipts');
    const later = due();
    later.block([]);
    const other = { ...modelCell.get(later.state, 1)!, id: new Uint8Array(32) };
    expectCaught(
      later,
      forge(later, new Map(), (state) => modelCell.set(state, other, 1)),
      'wrong-state',
    );
  });

  it('cannot overspend a privacy budget: neither by forgetting charges nor by going over the cap', () => {
    const test = due();
    const device = test.devices[0]!;
    const ids = [bytesToHex(device.publicKey), bytesToHex(dataset)] as const;
    const ledger = ledgerCell.get(test.state, ...ids)!;
    expect(ledger.charges).toBe(1);
    const unspent = { ...ledger, rhoSpent: 0n, charges: 0 };
    const forgotten = forge(test, test.closings(), (state) => ledgerCell.set(state, unspent, ...ids));
    expectCaught(test, forgotten, 'wrong-state');

    const broke = createTestChain({
      write: (state) => ledgerCell.set(state, { ...ledger, rhoSpent: ledger.rhoCap }, ...ids),
    });
    startTask(broke, taskSpec());
    expect(broke.refusal(updateCall(broke, device, 1))).toBe('budget-exhausted');
    const overspent = { ...ledger, rhoSpent: ledger.rhoCap + 1n };
    const beyond = forge(broke, new Map(), (state) => ledgerCell.set(state, overspent, ...ids));
    expectCaught(broke, beyond, 'wrong-state');
  });

  it('cannot invent a round', () => {
    const test = createTestChain();
    startTask(test, taskSpec());
    const round = roundCell.get(test.state, 1)!;
    const { openedHeight, weights } = round;
    const verdicts = test.devices
      .map(({ publicKey }) => publicKey)
      .sort(Buffer.compare)
      .map((device) => ({
        device,
        qualified: true,
        reason: null,
        score16: 0,
        points: 6,
        blacklisted: false,
      }));
    const { clip16 } = round.clipping;
    const closed = { round: 1, status: 'closed', openedHeight, closedHeight: 4 } as const;
    const claimed = { ...closed, clip16, verdicts, weights };
    const forged = forge(test, new Map(), (state) => {
      closedRoundCell.set(state, claimed, 1, 1);
      roundCell.set(state, { ...round, round: 2, openedHeight: 4 }, 1);
    });
    expectCaught(test, forged, 'wrong-state');
  });

  it('gets its block when it is honest: the three vote for what holds', () => {
    const test = due();
    const honest = test.build([]);
    expect(votesFor(test, honest).map(({ member }) => member)).toEqual([0, 1, 2, 3]);
  });
});

describe('the same coordinator of a plain signed log', () => {
  const people = createTestChain();
  const coordinator = people.validators[0]!;
  const rho = Number(roundRho(taskSpec().privacy.sigma16));

  /** Round 1 as an honest coordinator enters it: every update that arrived, then the model that they make. */
  function honestLog(): { log: readonly LogEntry[]; arrived: readonly Draft[]; model: Uint8Array } {
    const test = due();
    const arrived = test.devices.map((device, i) => updateDraft(test, device, test.devices.slice(0, i + 1)));
    const [outcome] = [...test.closings().values()];
    const model = outcome!.weights;
    let log: readonly LogEntry[] = [];
    for (const draft of arrived) log = append(log, draft, coordinator.secret);
    log = append(log, modelDraft(1, model, test.devices.map(spent)), coordinator.secret);
    return { log, arrived, model };
  }

  const spent = ({ publicKey }: Person) => ({ device: publicKey, rhoSpent: rho });

  function updateDraft(test: TestChain, device: Person, charged: readonly Person[]): Draft {
    const update = updateBytes(test, device, 1);
    const deviceSignature = sign(device.secret, updateMessage(1, update));
    const ledger = charged.map(spent);
    return {
      kind: 'update',
      round: 1,
      device: device.publicKey,
      subject: sha256(update),
      deviceSignature,
      ledger,
    };
  }

  function modelDraft(round: number, model: Uint8Array, ledger: Draft['ledger']): Draft {
    return {
      kind: 'model',
      round,
      device: NOBODY,
      subject: sha256(model),
      deviceSignature: NO_SIGNATURE,
      ledger,
    };
  }

  const holds = (log: readonly LogEntry[]) => verifyLog(log, coordinator.publicKey);

  it('is believed when it is honest, and the log notices what somebody without its key does', () => {
    const { log } = honestLog();
    expect(holds(log)).toBe(true);
    expect(holds(log.filter((_, i) => i !== 1))).toBe(false);
    const forged = log.map((entry, i) => (i === 4 ? { ...entry, subject: NOBODY } : entry));
    expect(holds(forged)).toBe(false);
    const [stranger] = people.devices;
    expect(holds(append(log, modelDraft(2, Uint8Array.of(1), []), stranger!.secret))).toBe(false);
    const unsigned = { ...log[0]!, subject: sha256(Uint8Array.of(1)) };
    expect(holds(append([], unsigned, coordinator.secret))).toBe(false);
  });

  it('drops an update, and the log holds', () => {
    const { arrived, model } = honestLog();
    let log: readonly LogEntry[] = [];
    for (const draft of arrived.slice(1)) log = append(log, draft, coordinator.secret);
    log = append(log, modelDraft(1, model, arrived.at(-1)!.ledger.slice(1)), coordinator.secret);
    expect(log.filter(({ kind }) => kind === 'update')).toHaveLength(3);
    expect(holds(log)).toBe(true);
  });

  it('changes a model afterwards by signing the log anew, and the log holds', () => {
    const { log, model } = honestLog();
    const other = model.map((byte, i) => (i === 0 ? byte ^ 8 : byte));
    let rewritten = log.slice(0, 4);
    rewritten = [...append(rewritten, modelDraft(1, other, log[4]!.ledger), coordinator.secret)];
    expect(rewritten).toHaveLength(log.length);
    expect(rewritten[4]!.subject).not.toEqual(log[4]!.subject);
    expect(holds(rewritten)).toBe(true);
  });

  it('overspends a privacy budget by entering less than was spent, and the log holds', () => {
    const { log, arrived } = honestLog();
    const forgotten = arrived[0]!.ledger.map((account) => ({ ...account, rhoSpent: 0 }));
    const over = append(log, { ...arrived[0]!, ledger: forgotten }, coordinator.secret);
    expect(over.filter(({ device }) => Buffer.compare(device, arrived[0]!.device) === 0)).toHaveLength(2);
    expect(over.at(-1)!.ledger[0]!.rhoSpent).toBe(0);
    expect(holds(over)).toBe(true);
  });

  it('invents a round, and the log holds', () => {
    const { log } = honestLog();
    const invented = append(
      log,
      modelDraft(2, Uint8Array.of(1, 2, 3), log.at(-1)!.ledger),
      coordinator.secret,
    );
    expect(invented.filter(({ kind, round }) => kind === 'update' && round === 2)).toEqual([]);
    expect(holds(invented)).toBe(true);
  });
});

describe('what a replay cannot prove', () => {
  it('is that no second valid history was signed by keys that leaked: an anchor tells them apart', () => {
    const [told, second] = [due(), createTestChain()];
    startTask(second, taskSpec());
    // The same chain up to here; then, years later, with every validator's key, another one: an update less.
    const [, ...others] = second.devices;
    second.block(others.map((device) => updateCall(second, device, 1)));
    second.block([], second.tip.time + 1_000);
    second.block([]);
    second.block([]);
    told.block([]);
    playRound(told);
    expect(bytesToHex(second.chain.chainId)).toBe(bytesToHex(told.chain.chainId));
    const height = told.tip.height;
    const anchor = { height: 4, hash: bytesToHex(told.blocks[3]!.hash) };
    const audit = (test: TestChain, anchors: readonly { height: number; hash: string }[]) => {
      const replay = createReplay(test.chain, { anchors });
      for (const entry of test.entries) replay.take(entry);
      return replay.report();
    };
    expect(height).toBeGreaterThan(4);
    for (const test of [told, second]) {
      const report = audit(test, []);
      expect(report).toMatchObject({ ok: true, complete: true });
      expect(report.assumptions.join()).toContain('a second valid history signed by leaked keys');
    }
    expect(audit(told, [anchor])).toMatchObject({ ok: true, anchors: [{ met: true }] });
    expect(audit(second, [anchor])).toMatchObject({
      ok: false,
      divergence: { height: 4, reason: 'not-the-anchor', key: 'anchor' },
      anchors: [{ met: false }],
    });
  });
});
