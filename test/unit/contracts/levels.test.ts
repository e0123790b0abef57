import { describe, expect, it } from 'vitest';
import { type BlockContext, createDraft, readState } from '../../../chain/index.js';
import {
  accountOf,
  creditCompletion,
  LEVEL_CHANGES_KEPT,
  levelRecordOf,
  nextProposalCell,
  openProposalsCell,
  openProposalsOf,
  type Params,
  PROPOSAL_MS,
  proposalCell,
  REPORTS_EACH_MAX,
  REPORTS_OPEN_MAX,
  roundCell,
  STRIKES_MAX,
} from '../../../contracts/index.js';
import {
  anchorCall,
  barOf,
  reinstateCall,
  reportCall,
  setLevelsCall,
  suspendCall,
  voteCall,
} from '../../support/accounts.js';
import {
  applyCall,
  type Call,
  createTestChain,
  playRound,
  publicTask,
  publishCall,
  startTask,
  type TestChain,
  updateCall,
} from '../../support/chain.js';
import type { Person } from '../../support/genesis.js';

const ERA = 4;
const withLevels = (change: Partial<Params['levels']> = {}, eraHeights = ERA) => ({
  params: { eraHeights, levels: { highest: 9, admitted: 1, perEra: 1, completions: 2, ...change } },
});
const levelOf = (test: TestChain, who: Person) => accountOf(test.state, who.publicKey)!.level;
const toNextEra = (test: TestChain, eraHeights = ERA) => {
  const era = Math.floor(test.tip.height / eraHeights);
  while (Math.floor(test.tip.height / eraHeights) === era) test.block([]);
};
const at = (who: Person, level: number) => ({ account: who.publicKey, level });
/** The call of `from` first, then the approvals that it still takes. */
const voted = (test: TestChain, call: Call, id: number) =>
  test.block([call, ...test.validators.slice(0, 3).map((by) => voteCall(by, 'approve', id))]);
const playTask = (test: TestChain) => {
  while (openTask(test)) playRound(test);
};
const openTask = (test: TestChain) =>
  test.blocks.every(({ executed }) =>
    executed.receipts.every(({ events }) => events.every(({ kind }) => kind !== 'done')),
  );

describe('a level that is set', () => {
  it('moves at once for accounts of the own hospital', () => {
    const test = createTestChain({ ...withLevels(), devicesEach: 2 });
    const [hospital] = test.validators as [Person];
    const [a, b] = test.devices as [Person, Person];
    expect(test.refusal(setLevelsCall(hospital, at(a, 2), at(b, 1)))).toBeNull();
    expect([levelOf(test, a), levelOf(test, b)]).toEqual([2, 1]);
    const { height } = test.tip;
    expect(levelRecordOf(test.state, a.publicKey)).toEqual({
      completed: 0,
      era: 0,
      base: 1,
      total: 1,
      changes: [{ height, from: 1, to: 2, cause: 'authority' }],
    });
    expect(levelRecordOf(test.state, b.publicKey).total).toBe(0);
  });

  it('of another hospital’s account takes the votes, as does a list of several hospitals', () => {
    const test = createTestChain(withLevels());
    const [a, b, c] = test.validators as [Person, Person, Person];
    const [own, other] = test.devices as [Person, Person];
    const call = (by: Person) => setLevelsCall(by, at(own, 2), at(other, 2));
    test.block([call(a)]);
    expect([levelOf(test, own), levelOf(test, other)]).toEqual([1, 1]);
    test.block([call(b), call(c)]);
    expect([levelOf(test, own), levelOf(test, other)]).toEqual([2, 2]);
  });

  it('moves no further in an era than genesis says, whoever decides', () => {
    const test = createTestChain(withLevels({ perEra: 2 }, 6));
    const [a] = test.validators as [Person];
    const [device, other] = test.devices as [Person, Person];
    expect(test.refusal(setLevelsCall(a, at(device, 4)))).toBe('level-bound');
    expect(test.refusal(setLevelsCall(a, at(device, 3)))).toBeNull();
    expect(test.refusal(setLevelsCall(a, at(device, 4)))).toBe('level-bound');
    // Back and forth stays within the bound of where the era began.
    expect(test.refusal(setLevelsCall(a, at(device, 1)))).toBeNull();
    toNextEra(test, 6);
    expect(test.refusal(setLevelsCall(a, at(device, 3)))).toBeNull();
    for (const by of test.validators.slice(0, 3)) {
      const code = test.refusal(setLevelsCall(by, at(other, 4)));
      expect(code).toBe('level-bound');
    }
    expect(levelOf(test, other)).toBe(1);
  });

  it('is refused where it cannot be one', () => {
    const test = createTestChain(withLevels({ perEra: 20 }));
    const [a, b] = test.validators as [Person, Person];
    const [device] = test.devices as [Person];
    const cases: readonly (readonly [string, Call])[] = [
      ['not-a-validator', setLevelsCall(device, at(device, 2))],
      ['not-a-validator', setLevelsCall(test.publisher, at(device, 2))],
      ['no-entries', setLevelsCall(a)],
      ['entry-twice', setLevelsCall(a, at(device, 2), at(device, 3))],
      ['level-out-of-range', setLevelsCall(a, at(device, 0))],
      ['level-out-of-range', setLevelsCall(a, at(device, 10))],
      ['is-a-validator', setLevelsCall(a, at(a, 1))],
      ['is-a-validator', setLevelsCall(a, at(b, 1))],
      ['unknown-account', setLevelsCall(a, { account: new Uint8Array(32), level: 1 })],
      ['malformed-args', setLevelsCall(a, at(device, 256))],
      ['malformed-args', setLevelsCall(a, ...Array.from({ length: 513 }, () => at(device, 1)))],
    ];
    for (const [code, call] of cases) expect([code, test.refusal(call)]).toEqual([code, code]);
    expect(levelOf(test, device)).toBe(1);
  });

  it('keeps the newest changes, and each event names the change before', () => {
    const test = createTestChain(withLevels({ perEra: 9 }, 100));
    const [a] = test.validators as [Person];
    const [device] = test.devices as [Person];
    for (let i = 0; i < LEVEL_CHANGES_KEPT + 3; i += 1)
      test.block([setLevelsCall(a, at(device, 1 + ((i + 1) % 2)))]);
    const { total, changes } = levelRecordOf(test.state, device.publicKey);
    expect([total, changes.length]).toEqual([LEVEL_CHANGES_KEPT + 3, LEVEL_CHANGES_KEPT]);
    let height = accountOf(test.state, device.publicKey)!.changedHeight;
    let found = 0;
    while (height > 0) {
      const { receipts } = test.blocks[height - 1]!.executed;
      const moved = receipts.flatMap(({ events }) => events).find(({ kind }) => kind === 'level')!;
      found += 1;
      height = (moved.fields as { before: number }).before;
    }
    expect(found).toBe(total);
  });
});

describe('completion', () => {
  it('raises by one after so many tasks of the own level, once an era', () => {
    const test = createTestChain({ ...withLevels({ completions: 1 }, 1_000) });
    startTask(test, publicTask({ rounds: 2 }));
    playTask(test);
    expect(test.devices.map((device) => levelOf(test, device))).toEqual([2, 2, 2, 2]);
    const { changes } = levelRecordOf(test.state, test.devices[0]!.publicKey);
    expect(changes).toEqual([{ height: test.tip.height, from: 1, to: 2, cause: 'completion' }]);
    // The level decides who may apply from now on.
    test.block([publishCall(test, publicTask({ rounds: 1 }))]);
    expect(test.refusal(applyCall(test, test.devices[0]!, { task: 2 }))).toBe('wrong-level');
  });

  it('counts nothing for who sent in fewer than half of the last rounds, is suspended, or of another level', () => {
    const test = createTestChain({ ...withLevels({ completions: 5 }, 1_000) });
    const [lazy, suspended, moved, good] = test.devices as [Person, Person, Person, Person];
    const [, b, c] = test.validators as [Person, Person, Person];
    startTask(test, publicTask({ rounds: 3, quorum: 1 }));
    playRound(test);
    test.block([suspended, moved, good].map((device) => updateCall(test, device, 2)));
    while (roundCell.get(test.state, 1)!.round === 2) test.block([], test.tip.time + 1_000);
    test.block([suspendCall(b, suspended.publicKey), setLevelsCall(c, at(moved, 2))]);
    // It goes on with the task that it is enrolled in.
    test.block([moved, good].map((device) => updateCall(test, device, 3)));
    while (openTask(test)) test.block([], test.tip.time + 1_000);
    const completed = [lazy, suspended, moved, good].map(
      (device) => levelRecordOf(test.state, device.publicKey).completed,
    );
    expect(completed).toEqual([0, 0, 0, 1]);
  });

  it('raises nobody where genesis says 0, nor above the highest level', () => {
    for (const change of [{ completions: 0 }, { completions: 1, highest: 1 }]) {
      const test = createTestChain(withLevels(change, 1_000));
      startTask(test, publicTask({ rounds: 1 }));
      playTask(test);
      expect(test.devices.map((device) => levelOf(test, device))).toEqual([1, 1, 1, 1]);
      expect(levelRecordOf(test.state, test.devices[0]!.publicKey)).toMatchObject({ total: 0, completed: 0 });
    }
  });

  it('beyond the bound of the era is kept, and raises with the next one that is completed in a later era', () => {
    const { tip, devices } = createTestChain(withLevels({ completions: 1 }));
    const { publicKey } = devices[0]!;
    const draft = createDraft(readState(tip.state));
    const completedAt = (height: number, level: number) => {
      const block = { height } as BlockContext<never>;
      creditCompletion(
        { state: draft, block, emit: () => {}, emitPayload: () => tip as never },
        publicKey,
        level,
      );
      return [accountOf(draft, publicKey)!.level, levelRecordOf(draft, publicKey).completed];
    };
    expect(completedAt(1, 1)).toEqual([2, 0]);
    expect(completedAt(2, 2)).toEqual([2, 1]);
    expect(completedAt(3, 2)).toEqual([2, 1]);
    expect(completedAt(ERA, 2)).toEqual([3, 0]);
  });

  it('waits for the next era where the bound is reached', () => {
    const test = createTestChain({ ...withLevels({ completions: 1 }, 1_000) });
    const [device] = test.devices as [Person];
    startTask(test, publicTask({ rounds: 1 }));
    test.block([setLevelsCall(test.validators[0]!, at(device, 2))]);
    test.block([setLevelsCall(test.validators[0]!, at(device, 1))]);
    playTask(test);
    // From 1 to 2 and back, then to 2 again: never more than one from where the era began.
    expect(levelOf(test, device)).toBe(2);
  });
});

describe('the bound of an era', () => {
  it('holds for a fall as for a rise, and counts from where this era began', () => {
    const test = createTestChain(withLevels());
    const [device, by] = [test.devices[0]!, test.validators[0]!];
    for (const level of [2, 3]) {
      test.block([setLevelsCall(by, at(device, level))]);
      toNextEra(test);
    }
    expect(levelOf(test, device)).toBe(3);
    expect(test.refusal(setLevelsCall(by, at(device, 1)))).toBe('level-bound');
    expect(test.refusal(setLevelsCall(by, at(device, 5)))).toBe('level-bound');
    expect(test.refusal(setLevelsCall(by, at(device, 2)))).toBeNull();
  });
});

describe('a leak', () => {
  const reported = (change: Partial<Params['levels']> = {}, eraHeights = 1_000) => {
    const test = createTestChain({ ...withLevels({ perEra: 3, ...change }, eraHeights), devicesEach: 2 });
    startTask(test, publicTask({ devicesMax: 7 }), test.devices.slice(0, 7));
    return test;
  };

  it('that more than two thirds believe costs one level', () => {
    const test = reported();
    const [device] = test.devices as [Person];
    test.block([setLevelsCall(test.validators[0]!, at(device, 3))]);
    test.block([reportCall(test.publisher, device.publicKey)]);
    expect(openProposalsOf(test.state)).toMatchObject([{ change: { kind: 'leak', task: 1 }, approvals: [] }]);
    expect(levelOf(test, device)).toBe(3);
    test.block(test.validators.slice(0, 2).map((by) => voteCall(by, 'approve', 1)));
    expect(levelOf(test, device)).toBe(3);
    test.block([voteCall(test.validators[2]!, 'approve', 1)]);
    expect(levelOf(test, device)).toBe(2);
    expect(levelRecordOf(test.state, device.publicKey).changes.at(-1)).toMatchObject({ cause: 'leak' });
    // Points, enrolments and the account itself are untouched.
    expect(accountOf(test.state, device.publicKey)!.status).toBe('active');
    expect(test.refusal(updateCall(test, device, 1))).toBeNull();
  });

  it('takes what was completed, and nobody below the lowest level', () => {
    const test = reported({ completions: 9 });
    const [device] = test.devices as [Person];
    while (openTask(test)) playRound(test, test.devices.slice(0, 7));
    expect(levelRecordOf(test.state, device.publicKey).completed).toBe(1);
    voted(test, reportCall(test.publisher, device.publicKey), 1);
    expect(levelOf(test, device)).toBe(1);
    expect(levelRecordOf(test.state, device.publicKey)).toMatchObject({ completed: 0, total: 0 });
  });

  it('cannot sink anybody: in an era a level falls no further than its bound', () => {
    const test = reported({ perEra: 1 });
    const [device] = test.devices as [Person];
    test.block([setLevelsCall(test.validators[0]!, at(device, 2))]);
    const id = device.publicKey;
    const { base } = levelRecordOf(test.state, id);
    voted(test, reportCall(test.publisher, id), 1);
    expect(Math.abs(levelOf(test, device) - base)).toBeLessThanOrEqual(1);
  });

  it('is refused to whoever did not publish the task, about whoever was not in it, and twice', () => {
    const test = reported();
    const [device] = test.devices as [Person];
    const outside = test.devices[7]!;
    expect(test.refusal(reportCall(device, device.publicKey))).toBe('not-the-publisher');
    expect(test.refusal(reportCall(test.validators[0]!, device.publicKey))).toBe('not-the-publisher');
    expect(test.refusal(reportCall(test.publisher, device.publicKey, 2))).toBe('unknown-task');
    expect(test.refusal(reportCall(test.publisher, outside.publicKey))).toBe('had-no-access');
    expect(test.refusal(reportCall(test.publisher, new Uint8Array(32)))).toBe('had-no-access');
    expect(test.refusal(reportCall(test.publisher, device.publicKey))).toBeNull();
    expect(test.refusal(reportCall(test.publisher, device.publicKey))).toBe('already-reported');
    test.block([], test.tip.time + PROPOSAL_MS);
    test.block([]);
    expect(openProposalsOf(test.state)).toEqual([]);
    expect(test.refusal(reportCall(test.publisher, device.publicKey))).toBe('already-reported');
  });

  it('is not reported without end: few are open at once', () => {
    const test = reported();
    const codes = test.devices
      .slice(0, REPORTS_EACH_MAX + 1)
      .map((device) => test.refusal(reportCall(test.publisher, device.publicKey)));
    expect(codes).toEqual([...Array<null>(REPORTS_EACH_MAX).fill(null), 'too-many-reports']);
  });

  it('is not reported where a chain has as many open as it may', () => {
    const test = createTestChain({
      ...withLevels({}, 1_000),
      write: (state, { devices }) => {
        const [one, other] = devices as [Person, Person];
        const change = {
          kind: 'leak',
          account: other.publicKey,
          task: 1,
          evidence: new Uint8Array(32),
        } as const;
        const votes = { approvals: [], rejections: [], expiresAt: Number.MAX_SAFE_INTEGER };
        const ids = Array.from({ length: REPORTS_OPEN_MAX }, (_, i) => i + 1);
        for (const id of ids) proposalCell.set(state, { id, change, proposer: one.publicKey, ...votes }, id);
        openProposalsCell.set(state, ids);
        nextProposalCell.set(state, REPORTS_OPEN_MAX + 1);
      },
    });
    startTask(test, publicTask());
    expect(test.refusal(reportCall(test.publisher, test.devices[1]!.publicKey))).toBe('too-many-reports');
  });

  it('that is not believed counts against the publisher, and suspends it in the end', () => {
    const test = reported();
    const { publisher } = test;
    for (let n = 1; n <= STRIKES_MAX; n += 1) {
      expect(barOf(test, anchorCall(publisher))).toBeNull();
      test.block([reportCall(publisher, test.devices[n - 1]!.publicKey)]);
      test.block(test.validators.slice(0, 2).map((by) => voteCall(by, 'reject', n)));
      expect(levelOf(test, test.devices[n - 1]!)).toBe(1);
    }
    expect(barOf(test, anchorCall(publisher))).toBe('suspended');
    const id = STRIKES_MAX + 1;
    voted(test, reinstateCall(test.validators[3]!, publisher.publicKey), id);
    // With a clean slate: one more does not suspend it again.
    test.block([reportCall(publisher, test.devices[5]!.publicKey)]);
    test.block(test.validators.slice(0, 2).map((by) => voteCall(by, 'reject', id + 1)));
    expect(barOf(test, anchorCall(publisher))).toBeNull();
  });

  it('that is not believed does not suspend a publisher that is suspended already', () => {
    const test = reported();
    const { publisher } = test;
    const reject = (n: number) =>
      test.block(test.validators.slice(0, 2).map((by) => voteCall(by, 'reject', n)));
    for (let n = 1; n < STRIKES_MAX; n += 1) {
      test.block([reportCall(publisher, test.devices[n - 1]!.publicKey)]);
      reject(n);
    }
    test.block([reportCall(publisher, test.devices[STRIKES_MAX - 1]!.publicKey)]);
    voted(test, suspendCall(test.validators[3]!, publisher.publicKey), STRIKES_MAX + 1);
    const { changedHeight, status } = accountOf(test.state, publisher.publicKey)!;
    expect(status).toBe('suspended');
    reject(STRIKES_MAX);
    expect(openProposalsOf(test.state)).toEqual([]);
    // The last change of the account is still that of the vote.
    expect(accountOf(test.state, publisher.publicKey)).toMatchObject({ status, changedHeight });
  });
});
