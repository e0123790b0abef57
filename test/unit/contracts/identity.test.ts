import { describe, expect, it } from 'vitest';
import { createReplay } from '../../../audit/index.js';
import { limits, readState } from '../../../chain/index.js';
import { quorumOf, type RingSeat, ringAt } from '../../../consensus/index.js';
import { register } from '../../../contracts/identity/index.js';
import { validatorsCell } from '../../../contracts/identity/state.js';
import {
  accountOf,
  approvalsOf,
  openProposalsOf,
  PROPOSAL_MS,
  PROPOSALS_EACH_MAX,
  proposalCell,
  seatedOf,
  seatOf,
  setSeat,
  validatorOf,
} from '../../../contracts/index.js';
import { bytesToHex, compareBytes, sha256, utf8ToBytes, vrfPublicKeyOf } from '../../../crypto/index.js';
import { type Call, type ChainOptions, createTestChain, type TestChain } from '../../support/chain.js';
import { type Person, person, testGenesis } from '../../support/genesis.js';

const fifth = person('hospital-5');

const addCall = (from: Person, who = fifth, change: object = {}): Call => ({
  from,
  contract: 'identity',
  method: 'add',
  args: {
    publicKey: who.publicKey,
    vrfPublicKey: vrfPublicKeyOf(who.vrfSecret),
    name: who.name,
    hospital: who.name,
    ...change,
  },
});
const removeCall = (from: Person, who: Person): Call => ({
  from,
  contract: 'identity',
  method: 'remove',
  args: { publicKey: who.publicKey },
});
const approveCall = (from: Person, proposal = 1): Call => ({
  from,
  contract: 'identity',
  method: 'approve',
  args: { proposal },
});
const eventsOf = (test: TestChain) =>
  test.blocks
    .at(-1)!
    .executed.receipts.flatMap(({ events }) =>
      events.filter(({ contract }) => contract === 'identity').map(({ kind }) => kind),
    );
const seatsAt = (test: TestChain, height: number, eraHeights: number) =>
  ringAt(test.state, height, eraHeights).map(({ publicKey }) => bytesToHex(publicKey));
const keysOf = (people: readonly Person[]) => people.map(({ publicKey }) => bytesToHex(publicKey)).sort();
const is = (who: Person) => (seat: RingSeat) => Buffer.compare(seat.publicKey, who.publicKey) === 0;

/** The fifth hospital is known to the test chain from the beginning, and to the chain when it is added. */
function chainOf(options: ChainOptions = {}) {
  const test = createTestChain(options);
  test.validators.push(fifth);
  return test;
}

/** All of the first n validators approve proposal `id`, in one block. */
const approveBy = (test: TestChain, id: number, from: number, to: number) =>
  test.block(test.validators.slice(from, to).map((who) => approveCall(who, id)));

describe('a change of the validators', () => {
  it.each([4, 5, 6, 7, 10])('takes effect with more than two thirds of %i seats, not before', (hospitals) => {
    const test = createTestChain({ hospitals });
    const newcomer = person('newcomer');
    const needed = quorumOf(hospitals);
    expect(needed * 3).toBeGreaterThan(2 * hospitals);
    expect((needed - 1) * 3).toBeLessThanOrEqual(2 * hospitals);
    test.block([addCall(test.validators[0]!, newcomer)]);
    expect(eventsOf(test)).toEqual(['proposed', 'approved']);
    approveBy(test, 1, 1, needed - 1);
    expect(seatOf(test.state, newcomer.publicKey)).toBeNull();
    expect(accountOf(test.state, newcomer.publicKey)).toBeNull();
    test.block([approveCall(test.validators[needed - 1]!)]);
    expect(eventsOf(test)).toEqual(['approved', 'added']);
    expect(seatOf(test.state, newcomer.publicKey)).toBe('held');
    expect(validatorOf(test.state, 'newcomer')).toEqual(newcomer.publicKey);
    expect(openProposalsOf(test.state)).toEqual([]);
    expect(test.refusal(approveCall(test.validators[hospitals - 1]!))).toBe('no-such-proposal');
  });

  it('counts each seat once, and the same proposal again as an approval', () => {
    const test = chainOf();
    const [a, b, c] = test.validators as [Person, Person, Person];
    expect(test.refusal(addCall(a))).toBeNull();
    expect(test.refusal(addCall(a))).toBe('already-approved');
    expect(test.refusal(approveCall(a))).toBe('already-approved');
    expect(openProposalsOf(test.state)).toHaveLength(1);
    expect(test.refusal(addCall(b))).toBeNull();
    expect(openProposalsOf(test.state)).toMatchObject([{ id: 1, proposer: a.publicKey }]);
    expect(proposalCell.get(test.state, 1)!.approvals).toHaveLength(2);
    expect(test.refusal(addCall(c))).toBeNull();
    expect(seatOf(test.state, fifth.publicKey)).toBe('held');
    expect(test.refusal(addCall(a))).toBe('has-seat');
  });

  it('counts no approval of a seat that has gone since', () => {
    const test = createTestChain({ hospitals: 7 });
    const [a, b, , , , , gone] = test.validators as Person[];
    const newcomer = person('newcomer');
    test.block([
      addCall(gone!, newcomer),
      approveCall(a!),
      approveCall(b!),
      approveCall(test.validators[2]!),
    ]);
    test.block(test.validators.slice(0, 5).map((who) => removeCall(who, gone!)));
    expect(seatOf(test.state, gone!.publicKey)).toBe('lost');
    // Six seats need five; three of the four approvals count.
    test.block([approveCall(test.validators[3]!)]);
    expect(seatOf(test.state, newcomer.publicKey)).toBeNull();
    test.block([approveCall(test.validators[4]!)]);
    expect(seatOf(test.state, newcomer.publicKey)).toBe('held');
    for (const call of [addCall(gone!, person('x')), approveCall(gone!, 1), removeCall(gone!, a!)]) {
      expect(test.refusal(call)).toBe('not-a-validator');
    }
  });

  it('is a matter of validators with a seat alone', () => {
    const test = chainOf();
    for (const from of [test.publisher, test.devices[0]!]) {
      expect(test.refusal(addCall(from))).toBe('not-a-validator');
      expect(test.refusal(removeCall(from, test.validators[0]!))).toBe('not-a-validator');
    }
    test.block([addCall(test.validators[0]!)]);
    expect(test.refusal(approveCall(test.publisher))).toBe('not-a-validator');
  });

  it('expires after a week of block time, with an event', () => {
    const test = chainOf();
    const [a, b, c] = test.validators as [Person, Person, Person];
    test.block([addCall(a)]);
    const { expiresAt } = proposalCell.get(test.state, 1)!;
    expect(expiresAt).toBe(test.tip.time + PROPOSAL_MS);
    test.block([approveCall(b)], expiresAt - 1);
    test.block([], expiresAt);
    expect(openProposalsOf(test.state)).toHaveLength(1);
    test.block([]);
    expect(eventsOf(test)).toEqual(['expired']);
    expect(openProposalsOf(test.state)).toEqual([]);
    expect(test.refusal(approveCall(c))).toBe('no-such-proposal');
    // It may be proposed afresh, under a new number.
    expect(test.refusal(addCall(c))).toBeNull();
    expect(openProposalsOf(test.state)).toMatchObject([{ id: 2 }]);
  });

  it('is one of few that a validator may have open', () => {
    const test = chainOf();
    const [a, b] = test.validators as [Person, Person];
    for (let i = 0; i < PROPOSALS_EACH_MAX; i += 1) {
      expect(test.refusal(addCall(a, person(`candidate-${i}`)))).toBeNull();
    }
    expect(test.refusal(addCall(a))).toBe('too-many-proposals');
    expect(test.refusal(addCall(b))).toBeNull();
    expect(test.refusal(approveCall(a, PROPOSALS_EACH_MAX + 1))).toBeNull();
  });
});

describe('a vote against a change', () => {
  it('counts for as long as its validator has a seat', () => {
    const test = createTestChain({ hospitals: 5 });
    const [a, b, c, d, e] = test.validators as [Person, Person, Person, Person, Person];
    const rejectCall = (from: Person): Call => ({ ...approveCall(from, 1), method: 'reject' });
    test.block([addCall(a, person('newcomer'))]);
    test.block([rejectCall(b)]);
    test.block([removeCall(a, b), ...[c, d, e].map((who) => approveCall(who, 2))]);
    expect(seatOf(test.state, b.publicKey)).toBe('lost');
    // Of four seats one may be against; the seat that is gone is no second one.
    test.block([rejectCall(c)]);
    expect(eventsOf(test)).toEqual(['opposed']);
    expect(openProposalsOf(test.state)).toMatchObject([{ id: 1 }]);
    test.block([rejectCall(d)]);
    expect(eventsOf(test)).toEqual(['opposed', 'rejected']);
  });
});

describe('a chain with as many validators as it may have in its life', () => {
  const former = (at: number) => person(`former-${at}`);
  const full = () =>
    createTestChain({
      write: (state, { validators }) => {
        const seats = validatorsCell.get(state)!;
        const gone = Array.from({ length: limits.membersMax - seats.length }, (_, at) => {
          if (at === 0) return former(0).publicKey;
          return sha256(utf8ToBytes(`former-${at}`));
        });
        const like = accountOf(state, validators[0]!.publicKey)!;
        for (const [at, publicKey] of gone.entries()) {
          const vrfPublicKey = at === 0 ? vrfPublicKeyOf(former(0).vrfSecret) : publicKey;
          const name = `former-${at}`;
          register(state, publicKey, { ...like, name, hospital: name, vrfPublicKey }, 0);
        }
        const all = [...seats, ...gone.map((publicKey) => ({ publicKey, seat: 'lost' as const }))];
        validatorsCell.set(
          state,
          all.sort((x, y) => compareBytes(x.publicKey, y.publicKey)),
        );
      },
    });

  it('takes no new one and no new key for a seat, but one that comes back', () => {
    const test = full();
    const [a, , , d] = test.validators as [Person, Person, Person, Person];
    expect(test.refusal(addCall(a))).toBe('too-many-validators');
    const replacement: Call = {
      from: a,
      contract: 'identity',
      method: 'replace',
      args: {
        validator: d.publicKey,
        publicKey: fifth.publicKey,
        vrfPublicKey: vrfPublicKeyOf(fifth.vrfSecret),
      },
    };
    expect(test.refusal(replacement)).toBe('too-many-validators');
    expect(test.refusal(addCall(a, former(0)))).toBeNull();
  });
});

describe('who may join', () => {
  const small = new Uint8Array(32).fill(0, 1);
  it.each<[string, string, (test: TestChain) => Call]>([
    ['bad-key', 'a key of small order', (t) => addCall(t.validators[0]!, fifth, { publicKey: small })],
    ['bad-key', 'a VRF key of small order', (t) => addCall(t.validators[0]!, fifth, { vrfPublicKey: small })],
    ['no-name', 'no name', (t) => addCall(t.validators[0]!, fifth, { name: '' })],
    ['no-name', 'no hospital', (t) => addCall(t.validators[0]!, fifth, { hospital: '' })],
    ['key-taken', 'a device', (t) => addCall(t.validators[0]!, t.devices[0]!)],
    ['has-seat', 'a validator', (t) => addCall(t.validators[0]!, t.validators[1]!)],
    [
      'key-taken',
      'the VRF key of another',
      (t) => addCall(t.validators[0]!, fifth, { vrfPublicKey: vrfPublicKeyOf(t.validators[1]!.vrfSecret) }),
    ],
    [
      'hospital-taken',
      'a second one of a hospital',
      (t) => addCall(t.validators[0]!, fifth, { hospital: 'hospital-1' }),
    ],
    ['name-taken', 'the name of another', (t) => addCall(t.validators[0]!, fifth, { name: 'hospital-1' })],
    ['malformed-args', 'no VRF key', (t) => addCall(t.validators[0]!, fifth, { vrfPublicKey: null })],
  ])('not (%s): %s', (code, _, call) => {
    const test = chainOf();
    expect(test.refusal(call(test))).toBe(code);
    expect(openProposalsOf(test.state)).toEqual([]);
  });

  it('is asked again when the change would take effect', () => {
    const test = chainOf();
    const [a, b, c, d] = test.validators as [Person, Person, Person, Person];
    const rival = person('rival');
    test.block([addCall(a), addCall(b, rival, { hospital: fifth.name })]);
    approveBy(test, 2, 0, 1);
    test.block([approveCall(b, 1), approveCall(c, 1)]);
    expect(seatOf(test.state, fifth.publicKey)).toBe('held');
    test.block([approveCall(c, 2)]);
    expect(test.refusal(approveCall(d, 2))).toBe('hospital-taken');
    expect(seatOf(test.state, rival.publicKey)).toBeNull();
  });

  it('takes back one that has left, under its own VRF key', () => {
    const test = chainOf({ hospitals: 5 });
    const last = test.validators[4]!;
    test.block(test.validators.slice(0, 4).map((who) => removeCall(who, last)));
    expect(seatOf(test.state, last.publicKey)).toBe('lost');
    const other = { vrfPublicKey: vrfPublicKeyOf(person('other').vrfSecret) };
    expect(test.refusal(addCall(test.validators[0]!, last, other))).toBe('key-taken');
    test.block(test.validators.slice(0, 3).map((who) => addCall(who, last)));
    expect(seatOf(test.state, last.publicKey)).toBe('held');
  });
});

describe('who may be made to leave', () => {
  it('nobody without a seat, and nobody below four seats', () => {
    const test = chainOf();
    const [a, b] = test.validators as [Person, Person];
    expect(test.refusal(removeCall(a, fifth))).toBe('no-seat');
    expect(test.refusal(removeCall(a, test.publisher))).toBe('no-seat');
    expect(test.refusal(removeCall(a, b))).toBe('too-few-seats');
    expect(test.refusal(removeCall(a, a))).toBe('too-few-seats');
  });

  it('not the fifth any more when another has left meanwhile', () => {
    const test = createTestChain({ hospitals: 5 });
    const [a, b, c, d, e] = test.validators as [Person, Person, Person, Person, Person];
    test.block([removeCall(a, d), removeCall(a, e)]);
    test.block([removeCall(b, d), removeCall(b, e), removeCall(c, d), removeCall(c, e)]);
    test.block([removeCall(e, d)]);
    expect(seatedOf(test.state)).toHaveLength(4);
    expect(test.refusal(removeCall(d, e))).toBe('not-a-validator');
    // Three of four are enough by now, and they are there: only the approval that would count them is refused.
    expect(test.refusal(removeCall(e, e))).toBe('too-few-seats');
  });
});

describe('a new validator', () => {
  const eraHeights = 4;
  const params = { eraHeights };

  it('is on the ring from the era after next, drawn, and counted in the quorum', () => {
    const test = chainOf({ params });
    const four = keysOf(test.validators.slice(0, 4));
    // Height 5, of era 1: the rings of eras 1 and 2 stand, it is on that of era 3, from height 12 on.
    for (let height = 1; height < 5; height += 1) test.block([]);
    test.block(test.validators.slice(0, 3).map((who) => addCall(who)));
    for (let height = 6; height <= 16; height += 1) {
      const expected = height < 12 ? four : keysOf(test.validators);
      expect(seatsAt(test, height, eraHeights), `height ${height}`).toEqual(expected);
      const { tip } = test.block([]);
      expect(tip.committee).toHaveLength(expected.length);
    }
    expect(ringAt(test.state, 12, eraHeights).find(is(fifth))!.weight).toBe(100);
    // Three of five are no certificate any more.
    const silent = test.validators.slice(0, 2);
    expect(() => test.block([], undefined, (seat) => !silent.some((who) => is(who)(seat)))).toThrow('quorum');
    const replay = createReplay(test.chain);
    for (const entry of test.entries) expect(replay.take(entry)).toBeNull();
  });

  it('is not called absent for the heights before it was drawn', () => {
    const test = chainOf({ params });
    test.block(test.validators.slice(0, 3).map((who) => addCall(who)));
    for (let height = 2; height <= 8; height += 1) test.block([]);
    expect(ringAt(test.state, 8, eraHeights).find(is(fifth))!.weight).toBe(100);
    for (let height = 9; height <= 12; height += 1) test.block([]);
    expect(ringAt(test.state, 16, eraHeights).find(is(fifth))!.weight).toBe(101);
  });
});

describe('a validator that leaves', () => {
  it('votes until the era after next, and is on no later ring', () => {
    const eraHeights = 4;
    const test = createTestChain({ hospitals: 5, params: { eraHeights } });
    const last = test.validators[4]!;
    test.block(test.validators.slice(0, 4).map((who) => removeCall(who, last)));
    for (let height = 2; height <= 12; height += 1) {
      const { tip } = test.block([]);
      expect(tip.committee.some(is(last)), `height ${height}`).toBe(height < 8);
    }
    expect(seatOf(test.state, last.publicKey)).toBe('lost');
    expect(accountOf(test.state, last.publicKey)).not.toBeNull();
    expect(validatorOf(test.state, last.name)).toBeNull();
    const replay = createReplay(test.chain);
    for (const entry of test.entries) expect(replay.take(entry)).toBeNull();
  });
});

describe('committees over changing rings', () => {
  it('have min(members, seats) members at each height, whatever comes and goes', () => {
    const eraHeights = 2;
    const test = createTestChain({ hospitals: 6, params: { eraHeights, members: 5 } });
    const [a, b, c, d, e, f] = test.validators as [Person, Person, Person, Person, Person, Person];
    test.block([a, b, c, d, e].map((who) => removeCall(who, f)));
    test.block([a, b, c, d].map((who) => removeCall(who, e)));
    for (let i = 0; i < 6; i += 1) test.block([]);
    expect(test.blocks.map(({ tip }) => tip.committee.length)).toEqual([5, 5, 5, 5, 5, 4, 4, 4]);
  });

  it('lead with nobody of weight 0 while another has weight, and still let it vote', () => {
    const test = createTestChain({
      params: { eraHeights: 2 },
      write: (state, { validators }) => setSeat(state, validators[0]!.publicKey, 'weightless'),
    });
    const barred = is(test.validators[0]!);
    for (let i = 0; i < 40; i += 1) test.block([]);
    const later = test.blocks.slice(8);
    for (const { tip } of later) {
      expect(tip.committee.findIndex(barred)).toBe(3);
    }
  });
});

describe('the bound on capture', () => {
  /** A chain of so many hospitals whose committees are expected to survive `dishonest`. */
  const bounded = (hospitals: number, members: number, capture: object = {}) => {
    const base = testGenesis(4, 0).genesis.params.capture;
    return createTestChain({
      hospitals,
      devicesEach: 0,
      params: { members, capture: { ...base, ...capture } },
    });
  };
  const newcomer = person('newcomer');
  const seats = (test: TestChain) => seatedOf(readState(test.tip.state)).length;

  it('refuses who would make committees that can be captured, when it is proposed', () => {
    const test = bounded(4, 4);
    // Four of five are drawn from now on, and one of the five may lie: never two of these. Of seven two may lie, and
    // these may both be among the six that are drawn.
    expect(test.refusal(addCall(test.validators[0]!, newcomer))).toBeNull();
    const seven = bounded(6, 6);
    expect(seven.refusal(addCall(seven.validators[0]!, newcomer))).toBe('unsafe-committee');
  });

  it('takes them where the genesis accepted that', () => {
    const test = bounded(6, 6, { allowUnsafe: true });
    expect(test.refusal(addCall(test.validators[0]!, newcomer))).toBeNull();
    approveBy(test, 1, 1, 5);
    expect(seats(test)).toBe(7);
  });

  it('counts the dishonest that the genesis expects', () => {
    // One never gets a third of six seats; two of seven, which agreement would bear, at times do.
    const expecting = (dishonest: number | null) => {
      const test = bounded(6, 6, { dishonest });
      return test.refusal(addCall(test.validators[0]!, newcomer));
    };
    expect([1, null].map(expecting)).toEqual([null, 'unsafe-committee']);
  });

  it('refuses the last approval when others have joined meanwhile', () => {
    const test = bounded(5, 6);
    const another = person('another');
    const [a, b, , d, e] = test.validators as [Person, Person, Person, Person, Person];
    test.block([addCall(a, newcomer), addCall(b, another)]);
    approveBy(test, 1, 1, 3);
    approveBy(test, 2, 2, 4);
    expect(test.refusal(approveCall(d, 1))).toBeNull();
    expect(seats(test)).toBe(6);
    // Five of six: the change is refused, stays open, and may be approved once it is safe.
    expect(
      approvalsOf(readState(test.tip.state), openProposalsOf(readState(test.tip.state))[0]!),
    ).toHaveLength(3);
    test.block([approveCall(a, 2)]);
    expect(test.refusal(approveCall(e, 2))).toBe('unsafe-committee');
    expect(seats(test)).toBe(6);
  });

  it('lets a chain that is over the bound already come nearer to it', () => {
    // Two of five may lie: agreement bears one. Evidence took the seats above; joining is the only way back.
    const test = bounded(5, 7, { dishonest: 2 });
    expect(test.refusal(addCall(test.validators[0]!, newcomer))).toBeNull();
    expect(test.refusal(removeCall(test.validators[0]!, test.validators[1]!))).toBeNull();
    const seven = bounded(7, 7, { dishonest: 2 });
    expect(seven.refusal(removeCall(seven.validators[0]!, seven.validators[1]!))).toBe('unsafe-committee');
  });
});
