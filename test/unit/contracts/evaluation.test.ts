import { describe, expect, it } from 'vitest';
import { createReplay } from '../../../audit/index.js';
import {
  answeredCell,
  claimCell,
  closedRoundCell,
  type Evaluation,
  evaluationCell,
  evaluationCountCell,
  evaluationRhoCell,
  isWorkDue,
  ledgerCell,
  nextDeadline,
  openEvaluationsCell,
  PLANS_MAX,
  planCell,
  plannedCell,
  plannedTask,
  planOf,
  standingOf,
  sumCell,
  taskCell,
  taskEvaluationsCell,
} from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { rhoCap, roundRho } from '../../../fl/index.js';
import { startChain } from '../../../genesis/index.js';
import {
  type Call,
  type ChainOptions,
  createTestChain,
  dataset,
  playRound,
  publicTask,
  publishCall,
  startTask,
  type TestChain,
  taskSpec,
  updateBytes,
  updateCall,
} from '../../support/chain.js';
import {
  answerCall,
  budget,
  claimCall,
  openCall,
  opened,
  planCall,
  quarter,
  rho,
  sigma16,
  testSet,
  trained,
} from '../../support/evaluation.js';
import type { Person } from '../../support/genesis.js';

/** An open evaluation that nobody answers and no block of these tests closes. */
const far: Evaluation = {
  id: 1,
  spec: {
    task: 1,
    round: 1,
    unit: 'record',
    bins: 4,
    sigma16,
    quorum: 4,
    deadlineMs: 2_592_000_000,
    deadlineBlocks: 1_000_000,
  },
  weights: { id: new Uint8Array(32), size: 1 },
  status: 'open',
  openedHeight: 0,
  openedTime: 0,
  closedHeight: null,
  answers: 0,
};

const ledgerOf = (test: TestChain, { publicKey }: Person) =>
  ledgerCell.get(test.state, bytesToHex(publicKey), bytesToHex(dataset))!;
const spentBy = (test: TestChain, who: Person) =>
  ledgerOf(test, who).rhoSpent - roundRho(taskSpec().privacy.sigma16);
const keysOf = (changes: ReadonlyMap<string, unknown>) =>
  [...changes.keys()].filter((key) => key.startsWith('evaluation/')).sort();

describe('evaluation.plan', () => {
  it('is kept with its budget in ρ, for the task that is published after it', () => {
    const test = createTestChain();
    const { executed } = test.block([planCall(test)]);
    const { chainId } = test.chain;
    const publisher = bytesToHex(test.publisher.publicKey);
    const task = plannedTask(chainId, taskSpec());
    expect(keysOf(executed.changes)).toEqual([
      planCell.key(publisher, bytesToHex(task)),
      plannedCell.key(publisher),
    ]);
    expect(executed.receipts[1]!.events.map(({ kind }) => kind)).toEqual(['planned']);
    test.block([publishCall(test, taskSpec()), publishCall(test, taskSpec({ title: 'another' }))]);
    const cap = rhoCap(budget.epsilonMicro, budget.deltaPico);
    expect(planOf(test.state, chainId, taskCell.get(test.state, 1)!)).toEqual({
      plan: { task, heldOut16: quarter, ...budget, testSet },
      rhoCap: cap,
      height: 1,
    });
    expect(planOf(test.state, chainId, taskCell.get(test.state, 2)!)).toBeNull();
  });

  it('counts for no task that was published before it, or in its very block', () => {
    const test = createTestChain();
    test.block([publishCall(test, taskSpec()), planCall(test)]);
    expect(planOf(test.state, test.chain.chainId, taskCell.get(test.state, 1)!)).toBeNull();
    const later = createTestChain();
    later.block([publishCall(later, taskSpec())]);
    later.block([planCall(later)]);
    expect(planOf(later.state, later.chain.chainId, taskCell.get(later.state, 1)!)).toBeNull();
  });

  it('is refused with a code', () => {
    const test = createTestChain();
    test.block([planCall(test)]);
    const other = taskSpec({ title: 'other' });
    const cases = [
      [{ ...planCall(test), from: test.devices[0]! }, 'not-a-publisher'],
      [{ ...planCall(test), from: test.validators[0]! }, 'not-a-publisher'],
      [planCall(test), 'already-planned'],
      [planCall(test, taskSpec(), { heldOut16: 1 }), 'already-planned'],
      [planCall(test, other, { heldOut16: 0, testSet: null, epsilonMicro: 0, deltaPico: 0 }), 'empty-plan'],
      [planCall(test, other, { epsilonMicro: 0 }), 'no-budget'],
      [planCall(test, other, { deltaPico: 0 }), 'no-budget'],
      [planCall(test, other, { heldOut16: 0 }), 'no-held-out-rows'],
      [planCall(test, other, { heldOut16: 32_769 }), 'malformed-args'],
      [planCall(test, other, { heldOut16: -1 }), 'malformed-args'],
      [planCall(test, other, { epsilonMicro: 64_000_001 }), 'malformed-args'],
      [planCall(test, other, { testSet: new Uint8Array(31) }), 'malformed-args'],
      [planCall(test, other, { task: 1 }), 'malformed-args'],
      [planCall(test, other, { heldOut16: 0, epsilonMicro: 0, deltaPico: 0 }), null],
    ] as const;
    for (const [call, code] of cases) expect(test.refusal(call), String(code)).toBe(code);
    const full = createTestChain({
      write: (state, { publisher }) => plannedCell.set(state, PLANS_MAX, bytesToHex(publisher.publicKey)),
    });
    expect(full.refusal(planCall(full))).toBe('too-many-plans');
  });
});

describe('evaluation.open', () => {
  it('names the model that a closed round gave, and counts what it costs', () => {
    const test = trained();
    const executed = test.block([openCall(test)]).executed;
    expect(keysOf(executed.changes)).toEqual(
      [
        evaluationCell.key(1),
        evaluationCountCell.key(),
        evaluationRhoCell.key(1),
        openEvaluationsCell.key(),
        sumCell.key(1),
        taskEvaluationsCell.key(1),
      ].sort(),
    );
    expect(evaluationCell.get(test.state, 1)).toMatchObject({
      id: 1,
      weights: closedRoundCell.get(test.state, 1, 1)!.weights,
      status: 'open',
      openedHeight: test.tip.height,
      openedTime: test.tip.time,
      closedHeight: null,
      answers: 0,
    });
    expect(sumCell.get(test.state, 1)).toEqual({ negatives: [0, 0, 0, 0], positives: [0, 0, 0, 0] });
    expect(evaluationRhoCell.get(test.state, 1)).toBe(rho);
  });

  it('is refused with a code', () => {
    const test = trained();
    test.block([publishCall(test, taskSpec({ title: 'unplanned' }))]);
    const cases = [
      [openCall(test, { task: 9 }), 'unknown-task'],
      [{ ...openCall(test), from: test.devices[0]! }, 'not-the-publisher'],
      [{ ...openCall(test), from: test.validators[0]! }, 'not-the-publisher'],
      [{ ...openCall(test), level: 0 }, 'wrong-level'],
      [openCall(test, { task: 2 }), 'no-held-out-rows'],
      [openCall(test, { unit: 'house' }), 'malformed-args'],
      [openCall(test, { sigma16: 0 }), 'not-public'],
      [openCall(test, { sigma16: Math.floor(sigma16 / 2) }), 'overdraws'],
      [openCall(test, { round: 2 }), 'no-such-round'],
      [openCall(test, { quorum: 5 }), 'quorum-unfit'],
      [openCall(test, { quorum: 0 }), 'malformed-args'],
      [openCall(test, { bins: 1 }), 'malformed-args'],
      [openCall(test, { bins: 1_001 }), 'malformed-args'],
      [openCall(test, { deadlineMs: 0 }), 'malformed-args'],
      [openCall(test), null],
      [openCall(test), null],
      // The plan lasts for two at this noise.
      [openCall(test), 'overdraws'],
    ] as const;
    for (const [call, code] of cases) expect(test.refusal(call), String(code)).toBe(code);
    expect(taskEvaluationsCell.get(test.state, 1)).toEqual([1, 2]);
  });

  it('is refused of a task planned with a test set alone, and of three classes', () => {
    const bare = { heldOut16: 0, epsilonMicro: 0, deltaPico: 0 };
    expect(trained(taskSpec(), bare).refusal(openCall(trained()))).toBe('no-held-out-rows');
    const base = taskSpec();
    const three = taskSpec({
      model: { inputs: 2, layers: [{ kind: 'dense', units: 3, activation: 'linear' }] },
      schema: { ...base.schema, label: { name: 'y', classes: ['0', '1', '2'], weights16: [] } },
    });
    const test = createTestChain();
    test.block([planCall(test, three)]);
    startTask(test, three);
    expect(test.refusal(openCall(test))).toBe('many-classes');
  });

  it('is refused when the model’s audit window is over, unless it is the newest', () => {
    const test = trained(taskSpec({ auditHeights: 3 }));
    playRound(test);
    const { closedHeight } = closedRoundCell.get(test.state, 1, 2)!;
    while (test.tip.height < closedHeight + 2) test.block([]);
    expect(test.refusal(openCall(test))).toBe('model-gone');
    expect(test.refusal(openCall(test, { round: 2 }))).toBeNull();
  });

  it('is bounded, on the chain and of a task', () => {
    const full = Array.from({ length: 64 }, (_, i) => i + 1);
    const writes: readonly NonNullable<ChainOptions['write']>[] = [
      (state) => taskEvaluationsCell.set(state, full, 1),
      (state) => {
        // Open ones of which a block looks at the deadline: the first of them, again and again.
        openEvaluationsCell.set(state, full);
        for (const id of full) evaluationCell.set(state, { ...far, id }, id);
      },
    ];
    for (const write of writes) {
      const test = trained(taskSpec(), {}, { write });
      expect(test.refusal(openCall(test))).toBe('too-many-evaluations');
    }
  });
});

describe('evaluation.answer', () => {
  it('is added to the sum and charged to the ledger that updates are charged to', () => {
    const test = opened();
    const [a, b] = test.devices as [Person, Person];
    const calls = [answerCall(a), answerCall(b)];
    const { executed } = test.block(calls);
    expect(executed.receipts.slice(1).map(({ code, events }) => code ?? events[0]!.kind)).toEqual([
      'answer',
      'answer',
    ]);
    const [first, second] = calls.map(({ args }) => args as Record<'negatives' | 'positives', number[]>);
    expect(sumCell.get(test.state, 1)).toEqual({
      negatives: first!.negatives.map((count, bin) => count + second!.negatives[bin]!),
      positives: first!.positives.map((count, bin) => count + second!.positives[bin]!),
    });
    for (const who of [a, b]) {
      expect(spentBy(test, who)).toBe(rho);
      expect(answeredCell.get(test.state, 1, bytesToHex(who.publicKey))).toBe(test.tip.height);
    }
    expect(evaluationCell.get(test.state, 1)).toMatchObject({ answers: 2, status: 'open' });
    expect(spentBy(test, test.devices[2]!)).toBe(0n);
  });

  it('is refused with a code, and charged all the same where it says something new', () => {
    const test = opened({}, { devicesEach: 2 });
    const device = test.devices[0]!;
    const stranger = test.devices[7]!;
    const four = [0, 0, 0, 0];
    const much = Math.ceil((8 * sigma16) / 65_536) * 4;
    const cases: readonly (readonly [Call, string, number])[] = [
      [answerCall(device, { evaluation: 2 }), 'unknown-evaluation', 0],
      [answerCall(test.publisher), 'not-enrolled', 0],
      [answerCall(device, { negatives: [0.5, 0, 0, 0] }), 'malformed-args', 0],
      [answerCall(device, { negatives: [2 ** 41, 0, 0, 0] }), 'malformed-args', 0],
      [answerCall(device, { negatives: new Array(1_001).fill(0) }), 'malformed-args', 0],
      [{ ...answerCall(device), level: 0 }, 'wrong-level', 1],
      // The same counts again: nothing new.
      [{ ...answerCall(device), level: 0 }, 'wrong-level', 1],
      [answerCall(device, { negatives: [0, 0, 0] }), 'wrong-bins', 2],
      [answerCall(device, { positives: [0, 0, 0, 0, 0] }), 'wrong-bins', 3],
      // Ten units train, so at most three rows are held out.
      [answerCall(device, { negatives: four, positives: [3 + much, 0, 0, 0] }), 'implausible-counts', 4],
      [answerCall(device, { negatives: [-much, much, 0, 0], positives: four }), 'implausible-counts', 5],
      [answerCall(device, { negatives: [-much, 0, 0, 0], positives: four }), 'implausible-counts', 6],
    ];
    // Only four of the eight devices found a place.
    const enrolled = test.devices.filter(
      (who) => ledgerCell.get(test.state, bytesToHex(who.publicKey), bytesToHex(dataset))!.charges > 0,
    );
    expect(enrolled.length).toBe(4);
    const insider = enrolled.includes(device) ? device : enrolled[0]!;
    const outsider = [stranger, ...test.devices].find((who) => !enrolled.includes(who))!;
    expect(test.refusal(answerCall(outsider))).toBe('not-enrolled');
    const cap = ledgerOf(test, insider).rhoCap - roundRho(taskSpec().privacy.sigma16);
    for (const [call, code, charges] of cases) {
      const from = call.from === device ? insider : call.from;
      expect(test.refusal({ ...call, from }), code).toBe(code);
      const due = BigInt(charges) * rho;
      expect(spentBy(test, insider), code).toBe(due < cap ? due : cap);
    }
    expect(sumCell.get(test.state, 1)).toEqual({ negatives: four, positives: four });
  });

  it('is one a device; a second one is charged, the first one again is not', () => {
    const test = opened();
    const device = test.devices[0]!;
    expect(test.refusal(answerCall(device))).toBeNull();
    expect(test.refusal(answerCall(device))).toBe('already-answered');
    expect(spentBy(test, device)).toBe(rho);
    expect(test.refusal(answerCall(device, {}, 'fresh noise'))).toBe('already-answered');
    expect(spentBy(test, device)).toBe(2n * rho);
    expect(evaluationCell.get(test.state, 1)!.answers).toBe(1);
  });

  it.each([
    [rho - 1n, 'budget-exhausted'],
    [rho, null],
  ] as const)('is refused if the ledger has less left than it costs, and takes that: %s', (left, code) => {
    const round = roundRho(taskSpec().privacy.sigma16);
    const cap = rhoCap(3_000_000, 100_000_000);
    const budget = { unit: 'record', epsilonMicro: 3_000_000, deltaPico: 100_000_000, order: null } as const;
    const ledger = { ...budget, rhoCap: cap };
    const test = opened(
      {},
      {
        write: (state, { devices }) =>
          ledgerCell.set(
            state,
            { ...ledger, rhoSpent: cap - round - left, charges: 0 },
            bytesToHex(devices[0]!.publicKey),
            bytesToHex(dataset),
          ),
      },
    );
    expect(test.refusal(answerCall(test.devices[0]!))).toBe(code);
    expect(ledgerOf(test, test.devices[0]!)).toMatchObject({ rhoSpent: cap, charges: 2 });
    expect(evaluationCell.get(test.state, 1)!.answers).toBe(code === null ? 1 : 0);
  });

  it('of a blacklisted device is refused, and nobody waits for it', () => {
    const options = { params: { deviceReputation: { start: 1, cap: 10 } } };
    const spec = publicTask({ rounds: 9 });
    const test = trained(spec, { epsilonMicro: 0, deltaPico: 0 }, options);
    const [bad, ...others] = test.devices as [Person, ...Person[]];
    for (let round = 2; round <= 8; round += 1) {
      const calls = test.devices.map((device) =>
        updateCall(test, device, round, updateBytes(test, device, round, device === bad ? -3 : 3)),
      );
      test.block(calls);
      test.block([]);
    }
    expect(standingOf(test.state, bytesToHex(bad.publicKey)).blacklisted).toBe(true);
    test.block([openCall(test, { sigma16: 0 })]);
    const counts = { negatives: [1, 0, 0, 0], positives: [0, 0, 1, 1] };
    expect(test.refusal(answerCall(bad, counts))).toBe('blacklisted');
    test.block(others.map((device) => answerCall(device, counts)));
    test.block([]);
    expect(evaluationCell.get(test.state, 1)).toMatchObject({ status: 'closed', answers: 3 });
    expect(sumCell.get(test.state, 1)).toEqual({ negatives: [3, 0, 0, 0], positives: [0, 0, 3, 3] });
  });

  it('of data declared public needs no noise and costs nothing', () => {
    const test = trained(publicTask(), { epsilonMicro: 0, deltaPico: 0 });
    expect(test.refusal(openCall(test, { sigma16: 65_536 }))).toBe('overdraws');
    expect(test.refusal(openCall(test, { sigma16: 0 }))).toBeNull();
    const call = answerCall(test.devices[0]!, { negatives: [1, 0, 0, 0], positives: [0, 0, 1, 1] });
    expect(test.refusal(call)).toBeNull();
    expect(ledgerOf(test, test.devices[0]!).charges).toBe(0);
    const more = answerCall(test.devices[1]!, { negatives: [4, 0, 0, 0], positives: [0, 0, 0, 0] });
    expect(test.refusal(more)).toBe('implausible-counts');
  });
});

describe('an evaluation', () => {
  it('closes in the block after the last answer', () => {
    const test = opened();
    test.block(test.devices.slice(0, 3).map((device) => answerCall(device)));
    expect(isWorkDue(test.state, test.tip.height, test.tip.time)).toBe(false);
    test.block([answerCall(test.devices[3]!)]);
    expect(isWorkDue(test.state, test.tip.height, test.tip.time)).toBe(true);
    const { executed } = test.block([]);
    expect(evaluationCell.get(test.state, 1)).toMatchObject({
      status: 'closed',
      answers: 4,
      closedHeight: test.tip.height,
    });
    expect(executed.receipts[0]!.events).toEqual([
      { contract: 'evaluation', kind: 'closed', fields: { evaluation: 1, task: 1, answers: 4 } },
    ]);
    expect(openEvaluationsCell.get(test.state)).toEqual([]);
    expect(sumCell.get(test.state, 1)).not.toBeNull();
    expect(isWorkDue(test.state, test.tip.height, test.tip.time)).toBe(false);
    const late = answerCall(test.devices[0]!, {}, 'late');
    expect(test.refusal(late)).toBe('not-open');
    expect(spentBy(test, test.devices[0]!)).toBe(2n * rho);
  });

  it.each([
    [3, 'closed'],
    [2, 'failed'],
    [0, 'failed'],
  ] as const)('at its deadline with %i answers for a quorum of three is %s', (answers, status) => {
    const test = opened();
    const { openedTime, openedHeight } = evaluationCell.get(test.state, 1)!;
    test.block(test.devices.slice(0, answers).map((device) => answerCall(device)));
    test.block([], openedTime + 500);
    expect(test.tip.height).toBe(openedHeight + 2);
    expect(evaluationCell.get(test.state, 1)!.status).toBe('open');
    // The empty block of nobody’s making closes it as well.
    test.empty();
    expect(evaluationCell.get(test.state, 1)).toMatchObject({ status, answers });
    expect(sumCell.get(test.state, 1) === null).toBe(status === 'failed');
  });

  it('wakes a chain that has nothing else to do at its deadline', () => {
    const test = trained(taskSpec({ rounds: 1 }));
    expect(taskCell.get(test.state, 1)!.status).toBe('done');
    expect(nextDeadline(test.state)).toBeNull();
    // One round of this task took all of the budget: the evaluation is opened, and the ledgers refuse.
    test.block([openCall(test)]);
    expect(nextDeadline(test.state)).toBe(evaluationCell.get(test.state, 1)!.openedTime + 500);
    expect(test.refusal(answerCall(test.devices[0]!))).toBe('budget-exhausted');
  });

  it('replays to the same states', () => {
    const test = opened();
    test.block(test.devices.map((device) => answerCall(device)));
    test.block([]);
    expect(evaluationCell.get(test.state, 1)!.status).toBe('closed');
    const replay = createReplay(startChain(test.genesis));
    for (const entry of test.entries) expect(replay.take(entry)).toBeNull();
    expect(replay.tip.hash).toEqual(test.tip.hash);
  });
});

describe('evaluation.claim', () => {
  const done = () => trained(taskSpec({ rounds: 1 }));

  it('is kept once, with the model that it is of', () => {
    const test = done();
    const call = claimCall(test);
    const { executed } = test.block([call]);
    expect(keysOf(executed.changes)).toEqual([claimCell.key(1)]);
    expect(claimCell.get(test.state, 1)).toEqual({
      claim: call.args,
      model: closedRoundCell.get(test.state, 1, 1)!.weights.id,
      height: test.tip.height,
    });
    expect(test.refusal(claimCall(test, { rows: 300 }))).toBe('already-claimed');
  });

  it('is refused with a code', () => {
    const test = done();
    const good = claimCall(test).args as { readonly measures: object };
    const cases = [
      [claimCall(test, { task: 2 }), 'unknown-task'],
      [{ ...claimCall(test), from: test.devices[0]! }, 'not-the-publisher'],
      [{ ...claimCall(test), level: 2 }, 'wrong-level'],
      [claimCall(test, { positives: 232 }), 'claim-unfit'],
      [claimCall(test, { rows: 0 }), 'malformed-args'],
      [claimCall(test, { measures: { ...good.measures, auroc: 1_000_001 } }), 'malformed-args'],
      [claimCall(test, { measures: { ...good.measures, brier: null } }), 'malformed-args'],
    ] as const;
    for (const [call, code] of cases) expect(test.refusal(call), code).toBe(code);
    expect(claimCell.get(test.state, 1)).toBeNull();
    const running = trained();
    expect(running.refusal(claimCall(running))).toBe('not-done');
    const bare = trained(taskSpec({ rounds: 1 }), { testSet: null });
    expect(bare.refusal(claimCall(bare))).toBe('nothing-committed');
  });
});
