import { describe, expect, it } from 'vitest';
import { type Step, signProposal, signVote } from '../../../chain/index.js';
import { type Evidence, RING_ERAS_KEPT, ringAt, type Statement } from '../../../consensus/index.js';
import { seatedOf, seatOf, setSeat } from '../../../contracts/index.js';
import { sha256, utf8ToBytes } from '../../../crypto/index.js';
import { type Call, createTestChain, type TestChain } from '../../support/chain.js';
import { type Person, person } from '../../support/genesis.js';

const v = sha256(utf8ToBytes('v'));
const w = sha256(utf8ToBytes('w'));

type Said = readonly [step: Statement['step'], period: number, value: Uint8Array | null];

/** What `who` says at a height, signed as a validator signs it. */
function say(chainId: Uint8Array, who: Person, height: number, [step, period, value]: Said): Statement {
  const signature =
    step === 'propose'
      ? signProposal(chainId, height, value!, who.secret)
      : signVote(chainId, { height, period, step: step as Step, value }, who.publicKey, who.secret).signature;
  return { step, period, value, signature };
}

function evidenceOf(test: TestChain, who: Person, height: number, first: Said, second: Said): Evidence {
  const { chainId } = test.chain;
  const said = [first, second].map((each) => say(chainId, who, height, each));
  return { accused: who.publicKey, height, first: said[0]!, second: said[1]! };
}

const submit = (from: Person, evidence: Evidence): Call => ({
  from,
  contract: 'evidence',
  method: 'submit',
  args: evidence,
});

/** Two soft votes at a height, the plainest offence. */
const guilt = (test: TestChain, who: Person, height = 1) =>
  evidenceOf(test, who, height, ['soft', 0, v], ['soft', 0, w]);

const offences: readonly (readonly [string, Said, Said])[] = [
  ['two proposals', ['propose', 0, v], ['propose', 0, w]],
  ['two soft values in one period', ['soft', 3, v], ['soft', 3, w]],
  ['two cert values in one period', ['cert', 0, v], ['cert', 0, w]],
  ['cert with next for another value', ['cert', 1, v], ['next', 1, w]],
  ['cert with next for ⊥', ['cert', 0, v], ['next', 0, null]],
  ['next before cert', ['next', 0, null], ['cert', 0, v]],
];

const lawful: readonly (readonly [string, Said, Said])[] = [
  ['several next values in one period', ['next', 0, null], ['next', 0, v]],
  ['next for two blocks in one period', ['next', 2, v], ['next', 2, w]],
  ['cert with next for the same value', ['cert', 0, v], ['next', 0, v]],
  ['soft for one value, cert for another', ['soft', 0, v], ['cert', 0, w]],
  ['soft for one value, next for another', ['soft', 0, v], ['next', 0, w]],
  ['cert in one period, next for another value in a later one', ['cert', 0, v], ['next', 1, w]],
  ['soft values of two periods', ['soft', 0, v], ['soft', 1, w]],
  ['cert values of two periods', ['cert', 0, v], ['cert', 1, w]],
  ['the same vote twice', ['cert', 0, v], ['cert', 0, v]],
  ['the same proposal twice', ['propose', 0, v], ['propose', 0, v]],
  ['a proposal and a vote for another block', ['propose', 0, v], ['soft', 0, w]],
];

describe('evidence.submit', () => {
  it.each(offences)('takes %s', (_, first, second) => {
    const test = createTestChain({ hospitals: 5 });
    test.block([]);
    const evidence = evidenceOf(test, test.validators[2]!, 1, first, second);
    expect(test.refusal(submit(test.publisher, evidence))).toBeNull();
    expect(seatOf(test.state, test.validators[2]!.publicKey)).toBe('lost');
  });

  it.each(lawful)('refuses %s: lawful', (_, first, second) => {
    const test = createTestChain({ hospitals: 5 });
    test.block([]);
    const evidence = evidenceOf(test, test.validators[2]!, 1, first, second);
    expect(test.refusal(submit(test.publisher, evidence))).toBe('no-offence');
    expect(seatOf(test.state, test.validators[2]!.publicKey)).toBe('held');
  });

  it('refuses whatever the accused has not signed, of this chain, height, period and value', () => {
    const test = createTestChain({ hospitals: 5 });
    test.block([]);
    const [, accused, other] = test.validators as [Person, Person, Person];
    const said = (who: Person, height: number, what: Said, chainId = test.chain.chainId) =>
      say(chainId, who, height, what);
    const first = said(accused, 1, ['cert', 0, v]);
    const second = said(accused, 1, ['cert', 0, w]);
    const good = { accused: accused.publicKey, height: 1, first, second };
    const forged: readonly Evidence[] = [
      { ...good, second: said(other, 1, ['cert', 0, w]) },
      { ...good, first: said(other, 1, ['cert', 0, v]) },
      { ...good, accused: other.publicKey },
      { ...good, height: 2 },
      { ...good, second: said(accused, 1, ['cert', 0, w], sha256(utf8ToBytes('another chain'))) },
      { ...good, second: { ...second, value: sha256(utf8ToBytes('x')) } },
      { ...good, second: { ...second, step: 'next' } },
      { ...good, first: { ...first, period: 1 }, second: { ...second, period: 1 } },
      { ...good, second: { ...second, signature: new Uint8Array(64) } },
      // What is signed for one purpose counts for no other.
      { ...good, first: { ...first, step: 'propose' }, second: { ...second, step: 'propose' } },
    ];
    for (const [i, evidence] of forged.entries()) {
      expect(test.refusal(submit(test.publisher, evidence)), `forgery ${i}`).toBe('bad-signature');
    }
    expect(test.refusal(submit(test.publisher, good))).toBeNull();
  });

  it('refuses a proposal of another period than 0, and a vote for nothing', () => {
    const test = createTestChain({ hospitals: 5 });
    test.block([]);
    const accused = test.validators[0]!;
    const late = evidenceOf(test, accused, 1, ['propose', 1, v], ['propose', 1, w]);
    expect(test.refusal(submit(test.publisher, late))).toBe('bad-signature');
    const { first, second } = guilt(test, accused);
    const none = { accused: accused.publicKey, height: 1, first: { ...first, value: null }, second };
    expect(test.refusal(submit(test.publisher, none))).toBe('bad-signature');
  });

  it('refuses the same offence again, whoever says it, and every earlier one of the same validator', () => {
    const test = createTestChain({ hospitals: 4 });
    for (let i = 0; i < 3; i += 1) test.block([]);
    const [accused, witness] = test.validators as [Person, Person];
    const evidence = guilt(test, accused, 3);
    const both = test.block([submit(witness, evidence), submit(test.publisher, evidence)]);
    expect(both.executed.receipts.map(({ code }) => code)).toEqual([null, null, 'already-punished']);
    const turned = { ...evidence, first: evidence.second, second: evidence.first };
    expect(test.refusal(submit(test.publisher, turned))).toBe('already-punished');
    expect(test.refusal(submit(test.publisher, guilt(test, accused, 2)))).toBe('already-punished');
    expect(seatOf(test.state, accused.publicKey)).toBe('weightless');
    // What it does afterwards is an offence of its own.
    const again = guilt(test, accused, test.tip.height);
    expect(test.refusal(submit(test.publisher, again))).toBeNull();
  });

  it('refuses an accused who has or had no seat', () => {
    const test = createTestChain({ hospitals: 6 });
    test.block([]);
    const stranger = person('stranger');
    for (const who of [stranger, test.publisher, test.devices[0]!]) {
      expect(test.refusal(submit(test.publisher, guilt(test, who)))).toBe('not-on-the-ring');
    }
    const accused = test.validators[5]!;
    expect(test.refusal(submit(test.publisher, guilt(test, accused)))).toBeNull();
    const later = guilt(test, accused, test.tip.height + 1);
    expect(test.refusal(submit(test.publisher, later))).toBe('no-seat');
  });

  it('has an age window: the eras whose rings the state keeps', () => {
    const test = createTestChain({ hospitals: 6, params: { eraHeights: 2 } });
    const [a, b] = test.validators as [Person, Person];
    const future = test.tip.height + 2;
    expect(test.refusal(submit(test.publisher, guilt(test, a, future)))).toBe('future-height');
    // Era 1 is heights 2 and 3. It is taken in the last block of the 16th era after it, not in the next.
    const last = 2 * (1 + RING_ERAS_KEPT + 1) - 1;
    while (test.tip.height < last - 1) test.block([]);
    expect(test.refusal(submit(test.publisher, guilt(test, a, 3)))).toBeNull();
    expect(test.tip.height).toBe(last);
    expect(test.refusal(submit(test.publisher, guilt(test, b, 3)))).toBe('too-old');
    expect(test.refusal(submit(test.publisher, guilt(test, b, 4)))).toBeNull();
  });
});

describe('the penalty', () => {
  const eraHeights = 4;

  it('is the seat, on the ring of the era after next', () => {
    const test = createTestChain({ hospitals: 5, params: { eraHeights } });
    const accused = test.validators[1]!;
    test.block([]);
    test.block([submit(test.publisher, guilt(test, accused))]);
    const event = test.blocks[1]!.executed.receipts[1]!.events[0];
    expect(event).toMatchObject({ contract: 'evidence', kind: 'punished' });
    expect(event!.fields).toEqual({ validator: accused.publicKey, height: 1, seat: 'lost', era: 2 });
    for (let height = 3; height <= 12; height += 1) test.block([]);
    const sits = test.blocks.map(({ tip }) =>
      tip.committee.some((seat) => Buffer.compare(seat.publicKey, accused.publicKey) === 0),
    );
    expect(sits).toEqual([...new Array(7).fill(true), ...new Array(5).fill(false)]);
  });

  it('is the weight where four seats are left: it votes, and leads nothing', () => {
    const test = createTestChain({ hospitals: 5, params: { eraHeights } });
    const [first, second] = test.validators as [Person, Person];
    test.block([]);
    const calls = [first, second].map((who) => submit(test.publisher, guilt(test, who)));
    test.block(calls);
    expect(seatOf(test.state, first.publicKey)).toBe('lost');
    expect(seatOf(test.state, second.publicKey)).toBe('weightless');
    expect(seatedOf(test.state)).toHaveLength(4);
    for (let height = 3; height <= 30; height += 1) test.block([]);
    const seat = ringAt(test.state, 31, eraHeights).find(
      ({ publicKey }) => Buffer.compare(publicKey, second.publicKey) === 0,
    );
    // Presence gives no weight back.
    expect(seat).toMatchObject({ weight: 0 });
    for (const { tip } of test.blocks.slice(7)) {
      expect(tip.committee).toHaveLength(4);
      expect(tip.committee[3]!.publicKey).toEqual(second.publicKey);
    }
  });

  it('leaves a ring on which somebody leads, even if all were punished', () => {
    const test = createTestChain({ params: { eraHeights } });
    test.block([]);
    test.block(test.validators.map((who) => submit(test.publisher, guilt(test, who))));
    expect(seatedOf(test.state).map(({ seat }) => seat)).toEqual(new Array(4).fill('weightless'));
    for (let height = 3; height <= 24; height += 1) test.block([]);
    const leaders = new Set(test.blocks.slice(8).map(({ tip }) => String(tip.leader)));
    expect(leaders.size).toBeGreaterThan(1);
  });

  it('is the seat after all, for a later offence, once there are more than four', () => {
    const test = createTestChain({
      hospitals: 5,
      write: (state, { validators }) => setSeat(state, validators[0]!.publicKey, 'weightless'),
    });
    test.block([]);
    expect(test.refusal(submit(test.publisher, guilt(test, test.validators[0]!)))).toBeNull();
    expect(seatOf(test.state, test.validators[0]!.publicKey)).toBe('lost');
  });
});
