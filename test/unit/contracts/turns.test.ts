import { describe, expect, it } from 'vitest';
import type { LevelRule, Protocol } from '../../../chain/index.js';
import { nextCommittee, type Rules } from '../../../consensus/index.js';
import {
  claimFault,
  DOUBLINGS_MAX,
  newestProtocol,
  OWED_HEIGHTS,
  owedOf,
  setSeat,
  turnsOf,
} from '../../../contracts/index.js';
import type { RoundOutcome } from '../../../fl/index.js';
import { type Call, createTestChain, type TestChain } from '../../support/chain.js';
import type { Person } from '../../support/genesis.js';
import { playTurns } from '../../support/turns.js';

const [A, B, C] = [1, 2, 3] as const;

/** A task transaction of a level, as far as turns are concerned: what it calls is all the same. */
const at = (test: TestChain, level: number, from: Person = test.publisher): Call => ({
  from,
  contract: 'anchor',
  method: 'put',
  level,
  args: { digest: new Uint8Array(32), memo: '' },
});

const claimCall = (from: Person, level: number): Call => ({
  from,
  contract: 'turns',
  method: 'claim',
  args: { level },
});

/** One block of these levels, each sent by a validator of its own; gives the level that the block took. */
function blockOf(test: TestChain, levels: readonly number[]): number {
  return test.block(levels.map((level, i) => at(test, level, test.validators[i]!))).block.header.level;
}

/** The chain's rules with another leader's mind. */
const withLevels = (levels: Partial<LevelRule>) => (rules: Rules<RoundOutcome>) => {
  const first = rules.protocols.get(newestProtocol)!;
  const changed: Protocol<RoundOutcome> = { ...first, levels: { ...first.levels, ...levels } };
  return { ...rules, protocols: new Map([[newestProtocol, changed]]) };
};

describe('a leader', () => {
  it('takes levels in turn, whichever came first or has the most', () => {
    const test = createTestChain();
    const taken = Array.from({ length: 6 }, () => blockOf(test, [A, A, B, C]));
    expect(taken).toEqual([A, B, C, A, B, C]);
    expect(turnsOf(test.state)).toEqual({
      blocks: 6,
      used: [
        { level: A, at: 4 },
        { level: B, at: 5 },
        { level: C, at: 6 },
      ],
    });
  });

  it('is not stopped by a transaction that cannot stand now', () => {
    const test = createTestChain();
    const ahead = test.sign(at(test, B, test.validators[0]!), 1);
    const now = test.sign(at(test, A, test.validators[1]!));
    expect(test.build([ahead, now]).block.header.level).toBe(A);
  });

  it('serves the level that has been owed for the longest first', () => {
    const test = createTestChain();
    blockOf(test, [C]);
    test.block([claimCall(test.validators[0]!, C), claimCall(test.validators[1]!, B)]);
    expect(owedOf(test.state).map(({ level }) => level)).toEqual([C, B]);
    expect([1, 2, 3].map(() => blockOf(test, [A, B, C]))).toEqual([C, B, A]);
    expect(owedOf(test.state)).toEqual([]);
  });

  it('makes blocks without task transactions where no level may go', () => {
    const test = createTestChain();
    test.block([claimCall(test.validators[0]!, B)]);
    expect(blockOf(test, [A])).toBe(A);
    expect(blockOf(test, [A])).toBe(0);
    expect(test.tip.height).toBe(3);
  });
});

describe('turns.claim', () => {
  it('is for validators with a seat, one level and one claim at a time', () => {
    const test = createTestChain({
      hospitals: 5,
      write: (state, { validators }) => setSeat(state, validators[4]!.publicKey, 'lost'),
    });
    const [one, other, , , gone] = test.validators as [Person, Person, Person, Person, Person];
    const cases = [
      [claimCall(test.publisher, A), 'not-a-validator'],
      [claimCall(test.devices[0]!, A), 'not-a-validator'],
      [claimCall(gone, A), 'not-a-validator'],
      [{ ...claimCall(one, A), args: { level: 0 } }, 'malformed-args'],
      [{ ...claimCall(one, A), args: { level: 256 } }, 'malformed-args'],
      [claimCall(one, A), null],
      [claimCall(one, B), 'claim-open'],
      [claimCall(other, A), 'already-owed'],
      [claimCall(other, B), null],
    ] as const;
    for (const [call, code] of cases) expect(test.refusal(call), String(code)).toBe(code);
    expect(owedOf(test.state).map(({ level, by }) => [level, by])).toEqual([
      [A, one.publicKey],
      [B, other.publicKey],
    ]);
  });

  it('expires: the other levels go on, and who claimed in vain is silent for twice as long each time', () => {
    const test = createTestChain();
    const [liar] = test.validators as [Person];
    let rest = OWED_HEIGHTS;
    for (let times = 1; times <= 2; times += 1) {
      expect(test.refusal(claimCall(liar, C))).toBeNull();
      const claimed = test.tip.height;
      expect(blockOf(test, [A])).toBe(A);
      // The next leader still sees it in its parent's state.
      while (test.tip.height <= claimed + OWED_HEIGHTS) expect(blockOf(test, [A])).toBe(0);
      const expired = test.tip.height;
      expect(blockOf(test, [A])).toBe(A);
      rest *= 2;
      expect(claimFault(test.state, liar.publicKey, C, expired + rest - 1)?.code).toBe('too-early');
      expect(claimFault(test.state, liar.publicKey, C, expired + rest)).toBeNull();
      while (test.tip.height < expired + rest - 1) test.empty();
    }
  });

  it('counts in the empty block, too', () => {
    const test = createTestChain();
    test.block([claimCall(test.validators[0]!, C)]);
    for (let i = 0; i <= OWED_HEIGHTS; i += 1) test.empty();
    expect(owedOf(test.state)).toEqual([]);
  });
});

describe('a dishonest leader', () => {
  it('has its block refused when it passes by a level that is owed a second time', () => {
    const test = createTestChain();
    const starver = createTestChain({
      rules: withLevels({ mayHold: () => true, choose: (_, waiting) => waiting[0] ?? 0 }),
    });
    for (const chain of [test, starver]) {
      chain.block([claimCall(chain.validators[0]!, B)]);
      expect(blockOf(chain, [A])).toBe(A);
    }
    const { block } = starver.build([starver.sign(at(starver, A))]);
    expect(block.header.level).toBe(A);
    expect(test.judge(block)).toMatchObject({
      ok: false,
      reason: 'bad-transaction',
      detail: 'transaction 0: not-its-turn',
    });
    // The same leader's block of the level that is owed stands, and then the other may go again.
    expect(nextCommittee(test.chain.rules, test.tip)[0]!.publicKey).toEqual(block.header.leader);
    expect(blockOf(test, [B])).toBe(B);
    expect(blockOf(test, [A])).toBe(A);
  });

  it('cannot hide a turn: the state root would be another', () => {
    const test = createTestChain();
    const forgetful = createTestChain({ rules: withLevels({ noteTurn: () => {} }) });
    const { block } = forgetful.build([forgetful.sign(at(forgetful, A))]);
    expect(test.judge(block)).toMatchObject({ ok: false, reason: 'wrong-state' });
  });
});

describe('turns over many heights', () => {
  const base = {
    validators: 10,
    dishonest: 3,
    levels: 5,
    heights: 2_000,
    starve: true,
    hidden: true,
    liars: false,
  };

  it('without dishonest leaders serve each of n levels every n-th block, and claim nothing', () => {
    const out = playTurns({ ...base, dishonest: 0, hidden: false, seed: 'honest' });
    expect(out).toMatchObject({ longestWait: 4, longestOwed: 0, stalled: 0 });
    expect(out.served).toBe(base.heights / base.levels);
  });

  it.each(['a', 'b'])('a level that is owed waits for one block of each other at most (seed %s)', (seed) => {
    // Seven of ten: more than agreement bears, so that it is the rule that holds, and not the honest leaders.
    const out = playTurns({ ...base, dishonest: 7, seed });
    expect(out.longestOwed).toBeLessThanOrEqual(base.levels - 1);
    // The one validator that has its transactions leads every tenth height, and has others to serve, too.
    expect(out.served).toBeGreaterThan(base.heights / 30);
  });

  it.each(['a', 'b'])('liars stop the others for a bounded time, less and less often (seed %s)', (seed) => {
    const out = playTurns({ ...base, starve: false, hidden: false, liars: true, seed });
    // Each of the three claims 16 heights at a time, the rests doubling: 16 (2 + 4 + ... + 2^k) <= heights.
    const falseClaims = Math.ceil(Math.log2(base.heights / OWED_HEIGHTS));
    expect(out.stalled).toBeGreaterThan(0);
    expect(out.stalled).toBeLessThanOrEqual(base.dishonest * falseClaims * OWED_HEIGHTS);
    expect(out.longestStall).toBeLessThanOrEqual(base.dishonest * OWED_HEIGHTS);
    expect(DOUBLINGS_MAX).toBeGreaterThan(8);
  });
});
