import { describe, expect, it } from 'vitest';
import {
  balanceOf,
  closedRoundCell,
  earnedCell,
  escrowCell,
  paidCell,
  roundCell,
  SUPPLY_MAX,
  supplyCell,
  taskCell,
} from '../../../contracts/index.js';
import { parseGenesis } from '../../../genesis/index.js';
import {
  applyCall,
  type Call,
  createTestChain,
  playRound,
  publicTask,
  publishCall,
  startTask,
  type TestChain,
  updateBytes,
  updateCall,
} from '../../support/chain.js';
import { askCall, completeCall, contentCall, readerKeys, sealFor, withdrawCall } from '../../support/gate.js';
import { type Person, PUBLISHER_BALANCE, testGenesis } from '../../support/genesis.js';

const transferCall = (from: Person, to: Person, amount: number): Call => ({
  from,
  contract: 'rewards',
  method: 'transfer',
  args: { to: to.publicKey, amount },
});

const tokens = (test: TestChain, who: Person) => balanceOf(test.state, who.publicKey);
const everybody = (test: TestChain) => [...test.validators, ...test.devices, test.publisher];
const all = (test: TestChain) => everybody(test).reduce((sum, who) => sum + tokens(test, who), 0);

/** Enrols each device with so many units, and goes on until round 1 is open. */
function enrol(test: TestChain, units: readonly number[], spec: ReturnType<typeof publicTask>): void {
  test.block([publishCall(test, spec)]);
  test.block(units.map((count, i) => applyCall(test, test.devices[i]!, { units: count })));
  while (roundCell.get(test.state, 1) === null) test.block([], test.tip.time + spec.enrolMs);
}

describe('rewards.transfer', () => {
  it('moves tokens from account to account, no more than there are', () => {
    const test = createTestChain();
    const [a, b] = test.devices as [Person, Person];
    const stranger = { ...a, publicKey: new Uint8Array(32).fill(9) };
    const cases = [
      [transferCall(a, b, 1), 'no-balance'],
      [transferCall(test.publisher, a, PUBLISHER_BALANCE + 1), 'no-balance'],
      [transferCall(test.publisher, a, 0), 'malformed-args'],
      [transferCall(test.publisher, a, -1), 'malformed-args'],
      [transferCall(test.publisher, a, 0.5), 'malformed-args'],
      [transferCall(test.publisher, a, SUPPLY_MAX + 1), 'malformed-args'],
      [transferCall(test.publisher, stranger, 1), 'unknown-account'],
      [transferCall(test.publisher, test.publisher, 1), 'to-oneself'],
      [transferCall(test.publisher, a, 100), null],
      [transferCall(a, b, 100), null],
      [transferCall(a, b, 1), 'no-balance'],
    ] as const;
    for (const [call, code] of cases) expect(test.refusal(call), String(code)).toBe(code);
    expect([a, b, test.publisher].map((who) => tokens(test, who))).toEqual([0, 100, PUBLISHER_BALANCE - 100]);
  });

  it('of two in one block takes what the first left', () => {
    const test = createTestChain();
    const [a, b] = test.devices as [Person, Person];
    const most = transferCall(test.publisher, a, PUBLISHER_BALANCE - 1);
    const { receipts } = test.block([most, { ...most, args: { to: b.publicKey, amount: 2 } }]).executed;
    expect(receipts.map(({ code }) => code)).toEqual([null, null, 'no-balance']);
    expect(all(test)).toBe(PUBLISHER_BALANCE);
  });
});

describe('the supply', () => {
  it('is what genesis hands out, and fits a whole number', () => {
    expect(supplyCell.get(createTestChain().state)).toBe(PUBLISHER_BALANCE);
    const { genesis } = testGenesis(4, 1);
    const rich = (balance: number) => ({
      ...genesis,
      accounts: genesis.accounts.map((account, i) => (i < 2 ? { ...account, balance } : account)),
    });
    const half = Math.floor((SUPPLY_MAX - PUBLISHER_BALANCE) / 2);
    expect(parseGenesis(JSON.stringify(rich(half))).ok).toBe(true);
    expect(parseGenesis(JSON.stringify(rich(half + 1)))).toMatchObject({ ok: false, reason: 'supply' });
    expect(parseGenesis(JSON.stringify(rich(-1)))).toMatchObject({ ok: false, reason: 'shape' });
  });
});

describe('a training task with a reward', () => {
  it('holds it from the publication on, refused without the balance', () => {
    const test = createTestChain();
    const spec = publicTask({ reward: PUBLISHER_BALANCE - 5 });
    expect(test.refusal(publishCall(test, publicTask({ reward: PUBLISHER_BALANCE + 1 })))).toBe('no-balance');
    expect(taskCell.get(test.state, 1)).toBeNull();
    expect(test.refusal(publishCall(test, spec))).toBeNull();
    expect(escrowCell.get(test.state, 1)).toBe(spec.reward);
    expect(tokens(test, test.publisher)).toBe(5);
    expect(test.refusal(publishCall(test, publicTask({ reward: 6 })))).toBe('no-balance');
  });

  it('pays by units and qualified rounds, rounded down, and the remainder goes back', () => {
    const test = createTestChain();
    const units = [10, 20, 30, 7];
    enrol(test, units, publicTask({ reward: 1_000, rounds: 2 }));
    playRound(test);
    expect(earnedCell.get(test.state, 1)!.rounds).toBe(1);
    // The last one stays away in the second round.
    const present = test.devices.slice(0, 3);
    test.block(present.map((device) => updateCall(test, device, 2)));
    while (closedRoundCell.get(test.state, 1, 2) === null) test.block([], test.tip.time + 500);
    expect(taskCell.get(test.state, 1)!.status).toBe('done');
    const points = [10 * 8, 20 * 8, 30 * 8, 7 * 4];
    const sum = points.reduce((a, b) => a + b);
    const shares = points.map((each) => Math.floor((1_000 * each) / sum));
    expect(test.devices.map((device) => tokens(test, device))).toEqual(shares);
    const returned = 1_000 - shares.reduce((a, b) => a + b);
    expect(returned).toBeGreaterThan(0);
    expect(tokens(test, test.publisher)).toBe(PUBLISHER_BALANCE - 1_000 + returned);
    expect(paidCell.get(test.state, 1)!.returned).toBe(returned);
    expect([escrowCell.get(test.state, 1), earnedCell.get(test.state, 1)]).toEqual([null, null]);
    expect(all(test)).toBe(PUBLISHER_BALANCE);
  });

  it('pays nothing for what the rule refuses, and a point for what it refuses by rank alone', () => {
    const test = createTestChain({ devicesEach: 2 });
    const verification = { rule: 'multi-krum', front: 'none', faulty: 1, reputation: 'none' } as const;
    const spec = publicTask({ reward: 10_000, rounds: 1, devicesMax: 8, quorum: 8, verification });
    startTask(test, spec);
    const bad = test.devices[3]!;
    test.block(
      test.devices.map((device) =>
        updateCall(test, device, 1, updateBytes(test, device, 1, device === bad ? -3 : 3)),
      ),
    );
    test.block([]);
    const { verdicts } = closedRoundCell.get(test.state, 1, 1)!;
    const refused = verdicts.filter(({ qualified }) => !qualified);
    expect(refused.map(({ reason }) => reason)).toEqual(['rank']);
    const other = test.devices.find(({ publicKey }) => Buffer.compare(publicKey, refused[0]!.device) !== 0)!;
    expect(balanceOf(test.state, refused[0]!.device)).toBe(Math.floor(10_000 / 29));
    expect(tokens(test, other)).toBe(Math.floor((10_000 * 4) / 29));
  });

  it('goes back whole where the task fails for lack of devices, or is withdrawn before its first round', () => {
    for (const end of ['failed', 'withdrawn'] as const) {
      const test = createTestChain();
      test.block([publishCall(test, publicTask({ reward: 77 }))]);
      if (end === 'withdrawn') expect(test.refusal(withdrawCall(test.publisher))).toBeNull();
      else {
        test.block([], taskCell.get(test.state, 1)!.enrolUntil);
        test.empty();
      }
      expect(taskCell.get(test.state, 1)!.status).toBe(end);
      expect(tokens(test, test.publisher)).toBe(PUBLISHER_BALANCE);
      expect(paidCell.get(test.state, 1)).toEqual({ returned: 77, payments: [] });
    }
  });

  it('that is withdrawn pays for the rounds that closed, the open one that holds updates among them', () => {
    const test = createTestChain();
    startTask(test, publicTask({ reward: 800, rounds: 4 }));
    playRound(test);
    test.block(test.devices.slice(0, 3).map((device) => updateCall(test, device, 2)));
    expect(test.refusal(withdrawCall(test.publisher))).toBeNull();
    expect(taskCell.get(test.state, 1)!.status).toBe('ending');
    expect(test.refusal(withdrawCall(test.publisher))).toBe('not-open');
    while (taskCell.get(test.state, 1)!.status === 'ending') test.block([], test.tip.time + 500);
    expect(taskCell.get(test.state, 1)!.status).toBe('withdrawn');
    expect(roundCell.get(test.state, 1)).toBeNull();
    const [first, , , absent] = test.devices as [Person, Person, Person, Person];
    // Half of the reward; seven updates of equal weight.
    expect(tokens(test, first)).toBe(Math.floor((400 * 2) / 7));
    expect(tokens(test, absent)).toBe(Math.floor(400 / 7));
    expect(all(test)).toBe(PUBLISHER_BALANCE);
  });

  it('that is withdrawn while nobody has sent anything ends with the next block', () => {
    const test = createTestChain();
    startTask(test, publicTask({ reward: 800, rounds: 4 }));
    playRound(test);
    test.block([withdrawCall(test.publisher)]);
    test.empty();
    expect(taskCell.get(test.state, 1)!.status).toBe('withdrawn');
    expect(tokens(test, test.devices[0]!)).toBe(50);
    expect(tokens(test, test.publisher)).toBe(PUBLISHER_BALANCE - 200);
  });
});

describe('a content task with a reward', () => {
  it('pays each place that was filled and done, and returns the rest', () => {
    const test = createTestChain();
    const own = readerKeys();
    const terms = { reward: 100, places: 3, completion: 'providers' };
    test.block([contentCall(test, sealFor(test, [own.publicKey]), terms)]);
    expect(tokens(test, test.publisher)).toBe(PUBLISHER_BALANCE - 100);
    const [a, b] = test.devices as [Person, Person];
    test.block([askCall(a, readerKeys().publicKey), askCall(b, readerKeys().publicKey)]);
    const admit = { from: test.publisher, contract: 'tasks', method: 'admit', level: 1 };
    const wrap = { task: 1, enc: new Uint8Array(32), wrapped: new Uint8Array(48) };
    test.block([a, b].map(({ publicKey }) => ({ ...admit, args: { ...wrap, provider: publicKey } })));
    test.block([completeCall(a)]);
    test.block([withdrawCall(test.publisher)]);
    expect([a, b].map((who) => tokens(test, who))).toEqual([33, 0]);
    expect(tokens(test, test.publisher)).toBe(PUBLISHER_BALANCE - 33);
    expect(all(test)).toBe(PUBLISHER_BALANCE);
  });
});
