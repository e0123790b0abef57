import { describe, expect, it } from 'vitest';
import {
  closedRoundCell,
  closingJob,
  dueClosings,
  gridOf,
  ledgerCell,
  modelCell,
  nextDeadline,
  openTasks,
  roundCell,
  standingOf,
  submittedCell,
  type TaskSpec,
  taskCell,
} from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import {
  closeRound,
  decodeWeights,
  encodeEntropy,
  encodeWeights,
  initialWeights,
  normCapSquared,
  roundRho,
} from '../../../fl/index.js';
import {
  createTestChain,
  dataset,
  playRound,
  publicTask,
  startTask,
  type TestChain,
  taskSpec,
  updateBytes,
  updateCall,
} from '../../support/chain.js';
import type { Person } from '../../support/genesis.js';

function running(spec: TaskSpec = taskSpec(), devicesEach = 1): TestChain {
  const test = createTestChain({ devicesEach });
  startTask(test, spec);
  return test;
}

const ledgerOf = (test: TestChain, { publicKey }: Person) =>
  ledgerCell.get(test.state, bytesToHex(publicKey), bytesToHex(dataset))!;
const roundOf = (test: TestChain) => roundCell.get(test.state, 1);
const closedOf = (test: TestChain, round: number) => closedRoundCell.get(test.state, 1, round);
const standing = (test: TestChain, { publicKey }: Person) => standingOf(test.state, bytesToHex(publicKey));

/** A noised task's update of these entries, in wire steps. */
const wire = (...entries: number[]) => encodeEntropy(Int32Array.from(entries));

describe('training.update', () => {
  it('stands in the open round and is charged', () => {
    const test = running();
    const device = test.devices[0]!;
    const call = updateCall(test, device, 1);
    const receipt = test.call(call);
    expect(receipt.events.map(({ kind }) => kind)).toEqual(['update']);
    const { spec } = taskCell.get(test.state, 1)!;
    expect(ledgerOf(test, device)).toMatchObject({ charges: 1, rhoSpent: roundRho(spec.privacy.sigma16) });
    expect(roundOf(test)!.updates).toMatchObject([{ device: device.publicKey, units: 10, height: 4 }]);
    expect(submittedCell.get(test.state, 1, bytesToHex(device.publicKey))).toBe(1);
  });

  it('sorts the updates of a round by device', () => {
    const test = running();
    for (const device of test.devices.slice(0, 3)) test.call(updateCall(test, device, 1));
    const devices = roundOf(test)!.updates.map(({ device }) => bytesToHex(device));
    expect(devices).toEqual([...devices].sort());
    expect(devices.length).toBe(3);
  });

  it('is refused when it is not one of this round, and charged for every payload that the block published', () => {
    const test = running(taskSpec({ devicesMax: 3, quorum: 3, rounds: 20 }), 1);
    const [device] = test.devices as [Person];
    const good = updateBytes(test, device, 1);
    const grid = gridOf(taskCell.get(test.state, 1)!);
    const call = updateCall(test, device, 1, good);
    const tooFar = Math.ceil(Math.sqrt(Number(normCapSquared(grid, 10)))) + 1;
    const cases = [
      [{ ...call, args: { task: 2, round: 1 } }, 'unknown-task'],
      [{ ...call, args: { task: 1, round: 2 } }, 'wrong-round'],
      [{ ...call, args: { task: 1, round: 0 } }, 'malformed-args'],
      [{ ...call, args: { task: 1, round: 2 ** 53 } }, 'malformed-args'],
      [{ ...call, level: 0 }, 'wrong-level'],
      [{ ...call, level: 2 }, 'wrong-level'],
      [{ ...call, from: test.publisher }, 'not-enrolled'],
      [{ ...call, from: test.devices[3]! }, 'not-enrolled'],
      [{ ...call, payloads: [] }, 'one-payload'],
      [{ ...call, payloads: [good, wire(1, 2, 3)] }, 'one-payload'],
      [{ ...call, payloads: [Uint8Array.of(1)] }, 'malformed-update'],
      [{ ...call, payloads: [Uint8Array.of(1, ...good.slice(1))] }, 'malformed-update'],
      [{ ...call, payloads: [Uint8Array.of(...good, 0)] }, 'malformed-update'],
      [{ ...call, payloads: [good.slice(0, -1)] }, 'malformed-update'],
      [{ ...call, payloads: [wire(1, 2)] }, 'malformed-update'],
      [{ ...call, payloads: [wire(1, 2, 3, 4)] }, 'malformed-update'],
      [{ ...call, payloads: [wire(tooFar, 0, 0)] }, 'over-norm-cap'],
      [{ ...call, payloads: [wire(-(2 ** 31), 2 ** 31 - 1, 0)] }, 'over-norm-cap'],
    ] as const;
    for (const [refused, code] of cases) expect(test.refusal(refused), code).toBe(code);
    expect(roundOf(test)!.updates).toEqual([]);
    // `good` once, however often it comes again before anything else, and nine others.
    expect(ledgerOf(test, device).charges).toBe(10);
    expect(test.refusal(updateCall(test, device, 1, wire(tooFar - 2, 0, 0)))).toBeNull();
  });

  it('is one a device and round', () => {
    const test = running();
    const device = test.devices[0]!;
    expect(test.refusal(updateCall(test, device, 1))).toBeNull();
    expect(test.refusal(updateCall(test, device, 1))).toBe('already-submitted');
    // The same bytes again said nothing new; others did.
    expect(ledgerOf(test, device).charges).toBe(1);
    expect(test.refusal(updateCall(test, device, 1, wire(0, 0, 0)))).toBe('already-submitted');
    expect(ledgerOf(test, device)).toMatchObject({
      charges: 2,
      rhoSpent: 2n * roundRho(taskSpec().privacy.sigma16),
    });
  });

  it('of a device whose node charges nothing is charged by the chain until the budget is gone, then refused', () => {
    // No ledger file, no limit of its own: fresh noise in every transaction.
    const test = running(taskSpec({ rounds: 3 }));
    const [greedy] = test.devices as [Person];
    const { rhoCap } = ledgerOf(test, greedy);
    const each = roundRho(taskSpec().privacy.sigma16);
    const codes = Array.from({ length: 6 }, (_, i) => {
      const code = test.refusal(updateCall(test, greedy, 1, updateBytes(test, greedy, 100 + i)));
      expect(ledgerOf(test, greedy).rhoSpent <= rhoCap).toBe(true);
      return code;
    });
    expect(codes).toEqual([null, ...new Array<string>(5).fill('already-submitted')]);
    expect(rhoCap / each).toBe(3n);
    expect(ledgerOf(test, greedy)).toMatchObject({ rhoSpent: rhoCap, charges: 6 });
    // Round 2 opens without it: nothing is left, and what was never declared can't help.
    test.block(test.devices.slice(1).map((device) => updateCall(test, device, 1)));
    test.block([]);
    expect(test.refusal(updateCall(test, greedy, 2))).toBe('budget-exhausted');
    expect(roundOf(test)!.updates).toEqual([]);
  });

  it('of several local steps is charged for each', () => {
    const spec = taskSpec({ rounds: 5 });
    const local = { ...spec.local, step: 'fedavg', steps: 5 } as const;
    const test = running({ ...spec, local, rounds: 1 });
    const device = test.devices[0]!;
    test.block([updateCall(test, device, 1)]);
    expect(ledgerOf(test, device).rhoSpent).toBe(5n * roundRho(spec.privacy.sigma16));
  });

  it('is charged and counts nowhere when it comes late', () => {
    const test = running(taskSpec({ rounds: 2 }));
    const [slow, ...others] = test.devices as [Person, ...Person[]];
    test.block(others.map((device) => updateCall(test, device, 1)));
    const { openedTime } = roundOf(test)!;
    test.block([], openedTime + 500);
    const block = test.block([updateCall(test, slow, 1)]);
    expect(block.executed.receipts[1]!.events.map(({ kind }) => kind)).toEqual(['late']);
    expect(roundOf(test)).toMatchObject({ round: 2, updates: [] });
    expect(ledgerOf(test, slow).charges).toBe(1);
    expect(test.refusal(updateCall(test, slow, 1))).toBe('already-submitted');
    expect(test.refusal(updateCall(test, slow, 2))).toBeNull();
  });

  it('is charged even after the last round, and refused for a round that never was', () => {
    const test = running(taskSpec({ rounds: 1 }));
    const [slow, ...others] = test.devices as [Person, ...Person[]];
    test.block(others.map((device) => updateCall(test, device, 1)));
    test.block([], roundOf(test)!.openedTime + 500);
    test.block([]);
    expect(taskCell.get(test.state, 1)!.status).toBe('done');
    const bytes = updateBytes(test, slow, 1);
    expect(test.refusal(updateCall(test, slow, 2, bytes))).toBe('wrong-round');
    const { events } = test.call(updateCall(test, slow, 1, bytes));
    expect(events.map(({ kind }) => kind)).toEqual(['late']);
    expect(ledgerOf(test, slow).charges).toBe(1);
  });

  it('has no round before the task starts', () => {
    const test = createTestChain();
    startTask(test, taskSpec({ devicesMax: 4 }));
    const before = createTestChain();
    before.block([
      {
        from: before.publisher,
        contract: 'tasks',
        method: 'publish',
        level: 1,
        args: { spec: publicTask() },
      },
    ]);
    const device = before.devices[0]!;
    expect(before.refusal({ ...updateCall(test, device, 1), from: device })).toBe('not-enrolled');
  });

  it('that would overdraw the ledger is refused', () => {
    const sigma16 = taskSpec().privacy.sigma16;
    const test = createTestChain();
    startTask(test, taskSpec());
    const device = test.devices[0]!;
    const ledger = ledgerOf(test, device);
    // Spent elsewhere but for one unit less than a round costs.
    const rhoSpent = ledger.rhoCap - roundRho(sigma16) + 1n;
    const spent = createTestChain({
      write: (state) =>
        ledgerCell.set(state, { ...ledger, rhoSpent }, bytesToHex(device.publicKey), bytesToHex(dataset)),
    });
    startTask(spent, taskSpec());
    expect(spent.refusal(updateCall(spent, device, 1))).toBe('budget-exhausted');
    // It is in the block all the same: nothing is left.
    expect(ledgerOf(spent, device)).toEqual({
      ...ledger,
      rhoSpent: ledger.rhoCap,
      charges: ledger.charges + 1,
    });
    expect(roundOf(spent)!.updates).toEqual([]);
  });

  it('of a blacklisted device is refused', () => {
    const test = createTestChain({ params: { deviceReputation: { start: 1, cap: 10 } } });
    startTask(test, publicTask({ rounds: 9 }));
    turnDevice(test, test.devices[0]!, 7);
    expect(standing(test, test.devices[0]!)).toEqual({ points: 0, blacklisted: true });
    expect(test.refusal(updateCall(test, test.devices[0]!, 8))).toBe('blacklisted');
  });
});

/** Plays rounds in which one device opposes all others. */
function turnDevice(test: TestChain, bad: Person, rounds: number): void {
  for (let round = 1; round <= rounds; round += 1) {
    const calls = test.devices.map((device) =>
      updateCall(test, device, round, updateBytes(test, device, round, device === bad ? -3 : 3)),
    );
    test.block(calls);
    test.block([]);
  }
}

describe('a round', () => {
  it('closes in the block after the last awaited update, with closeRound’s verdicts and model', () => {
    const test = running();
    test.block(test.devices.slice(0, 3).map((device) => updateCall(test, device, 1)));
    expect(dueClosings(test.state, test.tip.height, test.tip.time)).toEqual([]);
    test.call(updateCall(test, test.devices[3]!, 1));
    const [due] = dueClosings(test.state, test.tip.height, test.tip.time);
    expect(due).toMatchObject({ id: '1/1', quorate: true, blacklisted: 0 });
    const expected = closeRound(closingJob(due!, test.payloadOf)!.input);
    test.block([]);
    const closed = closedOf(test, 1)!;
    expect(closed).toMatchObject({ round: 1, status: 'closed', openedHeight: 3, closedHeight: 6 });
    const model = modelCell.get(test.state, 1)!;
    expect(closed.weights).toEqual(model);
    expect(test.payloadOf(model.id)).toEqual(expected.weights);
    expect(expected.weights).not.toEqual(encodeWeights(initialWeights(taskSpec().model, new Uint8Array(32))));
    expect(
      closed.verdicts.map(({ device, qualified, reason, score16 }) => ({
        device: bytesToHex(device),
        qualified,
        reason,
        score16,
      })),
    ).toEqual(expected.verdicts);
    expect(closed.verdicts.every(({ points }) => points === 6)).toBe(true);
    expect(roundOf(test)).toMatchObject({ round: 2, openedHeight: 6, weights: model, updates: [] });
    expect(test.payloadOf(roundOf(test)!.accumulator!.id)).toEqual(expected.accumulator);
  });

  it('hands the optimizer state to the next round', () => {
    const spec = publicTask({ rounds: 3 });
    const test = running({ ...spec, server: { ...spec.server, step: 'fedavgm', momentum16: 32_768 } });
    expect(roundOf(test)!.optimizer).toBeNull();
    playRound(test);
    const kept = roundOf(test)!.optimizer!;
    expect(test.payloadOf(kept.id)).not.toBeNull();
    playRound(test);
    expect(roundOf(test)!.optimizer).not.toEqual(kept);
  });

  it('is computed as by hand: no noise, mean of the sums over the units, learning rate 1', () => {
    const test = running(publicTask({ rounds: 1 }));
    playRound(test);
    // Four devices of ten units sent 3 in every entry; the model starts at zero and goes against the mean.
    const weights = decodeWeights(test.payloadOf(modelCell.get(test.state, 1)!.id)!, 3)!;
    expect([...weights]).toEqual([-0.3, -0.3, -0.3].map(Math.fround));
  });

  it('closes by deadline and blocks, both', () => {
    const test = running();
    const { openedTime, openedHeight } = roundOf(test)!;
    test.block(
      test.devices.slice(0, 3).map((device) => updateCall(test, device, 1)),
      openedTime + 499,
    );
    test.block([]);
    expect(test.tip).toMatchObject({ height: openedHeight + 2, time: openedTime + 509 });
    expect(closedOf(test, 1)).toBeNull();
    test.empty();
    expect(closedOf(test, 1)!.verdicts.length).toBe(3);

    const quick = running();
    quick.block(
      quick.devices.slice(0, 3).map((device) => updateCall(quick, device, 1)),
      openedTime + 600,
    );
    quick.block([]);
    expect(closedOf(quick, 1)).toBeNull();
    quick.block([]);
    expect(closedOf(quick, 1)!.closedHeight).toBe(openedHeight + 3);
  });

  it('tells the deadline that the clock has to wake for', () => {
    const test = createTestChain();
    expect(nextDeadline(test.state)).toBeNull();
    startTask(test, taskSpec());
    expect(nextDeadline(test.state)).toBe(roundOf(test)!.openedTime + 500);
  });

  it('below its quorum fails and goes on with the same model', () => {
    const test = running();
    const { weights, openedTime } = roundOf(test)!;
    test.block(
      test.devices.slice(0, 2).map((device) => updateCall(test, device, 1)),
      openedTime + 500,
    );
    test.block([]);
    const [due] = dueClosings(test.state, test.tip.height, test.tip.time);
    expect(due!.quorate).toBe(false);
    const { receipts } = test.block([]).executed;
    expect(receipts[0]!.events).toMatchObject([{ kind: 'round-failed', fields: { round: 1, updates: 2 } }]);
    expect(closedOf(test, 1)).toMatchObject({ status: 'failed', verdicts: [], weights });
    expect(roundOf(test)).toMatchObject({ round: 2, weights, updates: [] });
    expect(standing(test, test.devices[0]!).points).toBe(5);
    expect(ledgerOf(test, test.devices[0]!).charges).toBe(1);
  });

  it('does not wait for a device that was absent for two rounds, until it submits again', () => {
    const test = running(taskSpec({ rounds: 10 }));
    const [away, ...others] = test.devices as [Person, ...Person[]];
    for (const round of [1, 2]) {
      test.block(others.map((device) => updateCall(test, device, round)));
      test.block([]);
      expect(closedOf(test, round), `round ${round} waits`).toBeNull();
      test.block([], roundOf(test)!.openedTime + 500);
      test.block([]);
      expect(closedOf(test, round)!.verdicts.length).toBe(3);
    }
    test.block(others.map((device) => updateCall(test, device, 3)));
    test.block([]);
    expect(closedOf(test, 3)!.verdicts.length).toBe(3);
    // Late for round 3 it says that it is back: round 4 waits for it.
    test.call(updateCall(test, away, 3));
    test.block(others.map((device) => updateCall(test, device, 4)));
    test.block([]);
    expect(closedOf(test, 4)).toBeNull();
    test.call(updateCall(test, away, 4));
    test.block([]);
    expect(closedOf(test, 4)!.verdicts.length).toBe(4);
  });

  it('that the awaited devices cannot fill waits for its deadline, so that those who were absent may come', () => {
    const test = running(taskSpec({ rounds: 10 }));
    const [a, b, c, d] = test.devices as [Person, Person, Person, Person];
    for (const round of [1, 2]) {
      test.block([a, b].map((device) => updateCall(test, device, round)));
      test.block([], roundOf(test)!.openedTime + 500);
      test.block([]);
      expect(closedOf(test, round)!.status).toBe('failed');
    }
    test.block([a, b].map((device) => updateCall(test, device, 3)));
    test.block([]);
    expect(closedOf(test, 3)).toBeNull();
    test.block([c, d].map((device) => updateCall(test, device, 3)));
    test.block([]);
    expect(closedOf(test, 3)!.status).toBe('closed');
  });

  it('counts the quorum among those who are enrolled and not blacklisted', () => {
    const params = { deviceReputation: { start: 1, cap: 10 } };
    const test = createTestChain({ params });
    startTask(test, publicTask({ rounds: 9, quorum: 4 }));
    turnDevice(test, test.devices[0]!, 7);
    const three = test.devices.slice(1);
    test.block(three.slice(0, 2).map((device) => updateCall(test, device, 8)));
    expect(dueClosings(test.state, test.tip.height, test.tip.time)).toEqual([]);
    test.call(updateCall(test, three[2]!, 8));
    const [due] = dueClosings(test.state, test.tip.height, test.tip.time);
    expect(due).toMatchObject({ quorate: true, blacklisted: 1 });
  });

  it('that is the last ends the task', () => {
    const test = running(taskSpec({ rounds: 2 }));
    playRound(test);
    playRound(test);
    expect(taskCell.get(test.state, 1)!.status).toBe('done');
    expect(roundOf(test)).toBeNull();
    expect(openTasks(test.state)).toEqual([]);
    expect(closedOf(test, 2)!.weights).toEqual(modelCell.get(test.state, 1));
    expect(nextDeadline(test.state)).toBeNull();
  });

  it('closes in the empty block to the same state as in a leader’s', () => {
    const [led, idle] = [running(), running()];
    for (const test of [led, idle]) test.block(test.devices.map((device) => updateCall(test, device, 1)));
    led.block([]);
    idle.empty();
    expect(closedOf(idle, 1)).toEqual(closedOf(led, 1));
    expect(modelCell.get(idle.state, 1)).toEqual(modelCell.get(led.state, 1));
  });
});

describe('reputation of devices', () => {
  const modes = [
    ['absolute', 'alignment', [8, 8, 8]],
    ['none', 'alignment', [5, 5, 5]],
    ['paper', 'alignment', [8, 8, 8]],
  ] as const;
  it.each(modes)('%s with %s: the honest have %j after rounds 1 to 3', (reputation, rule, points) => {
    const test = running(publicTask({ verification: { rule, front: 'none', faulty: 1, reputation } }));
    turnDevice(test, test.devices[0]!, 3);
    expect(test.devices.slice(1).map((device) => standing(test, device).points)).toEqual(points);
  });

  it('takes a point for an absolute refusal, from round 4 on', () => {
    const test = running(publicTask({ rounds: 6 }));
    turnDevice(test, test.devices[0]!, 4);
    const bad = closedOf(test, 4)!.verdicts.find(({ qualified }) => !qualified)!;
    expect(bad).toMatchObject({ device: test.devices[0]!.publicKey, reason: 'opposes', points: 7 });
    expect(standing(test, test.devices[1]!).points).toBe(9);
  });

  it('takes nothing for a refusal by rank, unless the task says paper', () => {
    const rank = { rule: 'multi-krum', front: 'none', faulty: 1 } as const;
    const points = (reputation: 'absolute' | 'paper' | 'none') => {
      const test = running(
        publicTask({ rounds: 2, devicesMax: 8, quorum: 6, verification: { ...rank, reputation } }),
        2,
      );
      turnDevice(test, test.devices[0]!, 2);
      expect(closedOf(test, 2)!.verdicts.filter(({ reason }) => reason === 'rank').length).toBe(1);
      expect(closedOf(test, 2)!.verdicts.find(({ qualified }) => !qualified)!.device).toEqual(
        test.devices[0]!.publicKey,
      );
      return test.devices.slice(0, 2).map((device) => standing(test, device).points);
    };
    expect(points('absolute')).toEqual([5, 7]);
    expect(points('paper')).toEqual([3, 7]);
    expect(points('none')).toEqual([5, 5]);
  });

  it('stops at the cap', () => {
    const test = createTestChain({ params: { deviceReputation: { start: 5, cap: 6 } } });
    startTask(test, publicTask());
    playRound(test);
    playRound(test);
    expect(standing(test, test.devices[0]!).points).toBe(6);
  });

  it('blacklists at 0 for good', () => {
    const test = createTestChain({ params: { deviceReputation: { start: 1, cap: 10 } } });
    startTask(test, publicTask({ rounds: 9 }));
    turnDevice(test, test.devices[0]!, 7);
    expect(closedOf(test, 7)!.verdicts.find(({ blacklisted }) => blacklisted)).toMatchObject({
      device: test.devices[0]!.publicKey,
      points: 0,
    });
    playRound(test, test.devices.slice(1));
    expect(closedOf(test, 8)!.verdicts.length).toBe(3);
    expect(standing(test, test.devices[0]!)).toEqual({ points: 0, blacklisted: true });
  });
});
