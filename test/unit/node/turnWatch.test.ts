import { describe, expect, it } from 'vitest';
import { limits, readState } from '../../../chain/index.js';
import { newestProtocol, OWED_HEIGHTS, owedOf, turnsOf } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { Mempool, mempoolLimits } from '../../../node/mempool.js';
import { TurnWatch } from '../../../node/turnWatch.js';
import { type Call, createTestChain, type TestChain, verified } from '../../support/chain.js';
import type { Person } from '../../support/genesis.js';

const [A, B] = [1, 2] as const;

const at = (from: Person, level: number): Call => ({
  from,
  contract: 'anchor',
  method: 'put',
  level,
  args: { digest: new Uint8Array(32), memo: '' },
});

/** Leaders that take level A whenever it may go, and never B; what is valid is as everywhere. */
const starving = () =>
  createTestChain({
    devicesEach: 1,
    rules: (rules) => {
      const first = rules.protocols.get(newestProtocol)!;
      const choose: typeof first.levels.choose = (state, waiting) =>
        waiting.includes(A) && first.levels.mayHold(state, A) ? A : 0;
      return {
        ...rules,
        protocols: new Map([[newestProtocol, { ...first, levels: { ...first.levels, choose } }]]),
      };
    },
  });

/** The watch of the first validator, whose mempool is all that it knows; what it submits goes there, too. */
function watched(test: TestChain) {
  const mempool = new Mempool();
  const [own] = test.validators as [Person];
  const { chainId } = test.chain;
  const claims: number[] = [];
  const watch = new TurnWatch({
    chainId,
    keys: own,
    tip: () => test.tip,
    mempool,
    submit: async (transaction) => {
      const checked = verified(transaction, chainId);
      claims.push((transaction.args as { level: number }).level);
      const fault = mempool.add(checked, test.state, 0);
      if (fault !== null) throw new Error(fault);
      return { ok: true, hash: checked.hash };
    },
    log: () => {},
  });
  const add = (call: Call, ahead = 0) => mempool.add(test.sign(call, ahead), test.state, 0);
  /** A block of what waits here, and of one transaction at level A of the leader's own. */
  const block = async (withClaims = true) => {
    const own = mempool
      .candidates(test.state)
      .filter(({ transaction }) => withClaims || transaction.contract !== 'turns');
    const { block, hash, executed } = test.adopt(test.build([test.sign(at(test.publisher, A)), ...own]));
    mempool.settle(
      executed.receipts.flatMap(({ transaction }) => (transaction === null ? [] : [bytesToHex(transaction)])),
      test.state,
    );
    watch.look();
    await Promise.resolve();
    return { level: block.header.level, hash };
  };
  return { mempool, watch, claims, add, block };
}

describe('a level that leaders pass by', () => {
  it('is claimed by a validator that has its transactions, and its starvers can make no block of theirs', async () => {
    const test = starving();
    const { add, block, claims } = watched(test);
    await block();
    add(at(test.devices[0]!, B));
    // Known for one block; then passed by as often as there are levels that wait here.
    for (let i = 0; i < 2; i += 1) expect(await block()).toMatchObject({ level: A });
    expect(claims).toEqual([]);
    for (let i = 0; i < 3 && claims.length === 0; i += 1) await block();
    expect(claims).toEqual([B]);
    await block();
    expect(owedOf(test.state).map(({ level }) => level)).toEqual([B]);
    await block();
    const { blocks } = turnsOf(test.state);
    for (let i = 0; i < 4; i += 1) expect(await block()).toMatchObject({ level: 0 });
    expect(turnsOf(test.state).blocks).toBe(blocks);
    expect(claims).toEqual([B]);
  });

  it('is claimed once while the claim waits for a block, and again no sooner than the chain lets', async () => {
    const test = starving();
    const { add, block, claims } = watched(test);
    add(at(test.devices[0]!, B));
    for (let i = 0; i < 10; i += 1) await block(false);
    expect(claims).toEqual([B]);
    for (let i = 0; i <= OWED_HEIGHTS + 10; i += 1) await block();
    expect(claims).toEqual([B]);
  });

  it('is not claimed where leaders take turns', async () => {
    const test = createTestChain();
    const { add, block, claims } = watched(test);
    for (let i = 0; i < 12; i += 1) {
      add(at(test.devices[i % 4]!, B));
      add(at(test.validators[1 + (i % 3)]!, 3));
      await block();
    }
    expect(claims).toEqual([]);
    expect(
      turnsOf(test.state)
        .used.map(({ level }) => level)
        .sort(),
    ).toEqual([A, B, 3]);
  });
});

describe('a mempool that one level floods', () => {
  /** Real transactions take too long to sign by the thousand: what the mempool looks at, from one that was signed. */
  function flood(test: TestChain, level: number) {
    const one = test.sign(at(test.publisher, level));
    return (i: number) => {
      const sender = `${level}-${Math.floor(i / 60)}`;
      const transaction = { ...one.transaction, nonce: i % 60 };
      return { ...one, id: `${level} ${i}`, sender, transaction } as typeof one;
    };
  }

  it('has room for every other level', () => {
    const test = createTestChain();
    const mempool = new Mempool();
    const state = readState(test.tip.state);
    const taken = [A, B, 3].map((level) => {
      const make = flood(test, level);
      let count = 0;
      while (mempool.add(make(count), state, 0) === null) count += 1;
      return count;
    });
    const { transactionsMax, levelShare } = mempoolLimits;
    expect(taken[0]).toBe((transactionsMax * levelShare) / (levelShare + 1));
    for (const count of taken) expect(count).toBeGreaterThan(transactionsMax / 40);
    expect(mempool.size).toBeLessThan(transactionsMax);
    // The flood settles; its place is free again.
    mempool.settle(
      Array.from({ length: taken[0]! }, (_, i) => `${A} ${i}`),
      state,
    );
    expect(mempool.waitingLevels(state, () => true)).toEqual(new Set([B, 3]));
    expect(mempool.add(flood(test, A)(0), state, 0)).toBeNull();
  });

  it('shows a leader the level that came behind it', () => {
    const test = createTestChain();
    const mempool = new Mempool();
    const make = flood(test, A);
    for (let i = 0; i < limits.transactionsPerBlockMax + 200; i += 1) mempool.add(make(i), test.state, 0);
    const only = mempool.candidates(test.state);
    expect(only.length).toBeLessThan(limits.transactionsPerBlockMax + 60);
    const late = test.sign(at(test.devices[0]!, B));
    mempool.add(late, test.state, 0);
    expect(mempool.candidates(test.state)).toContain(late);
  });
});
