import { describe, expect, it } from 'vitest';
import { createReplay } from '../../../audit/index.js';
import { signVote } from '../../../chain/index.js';
import { quorumOf, ringAt, ringRoot } from '../../../consensus/index.js';
import { SEATS_MIN, type Seat } from '../../../contracts/index.js';
import { bytesToHex, drbg, sha256, utf8ToBytes, vrfPublicKeyOf } from '../../../crypto/index.js';
import { type Call, createTestChain, type TestChain } from '../../support/chain.js';
import { type Person, person } from '../../support/genesis.js';

/*
 * A random walk of joining, leaving, offending, empty blocks and absent voters, beside a model that knows the rules
 * in a few lines: what the chain draws its committees from must be what the model says, two eras later.
 */

const ERA_HEIGHTS = 3;
const HEIGHTS = 50;
const PEOPLE = 9;

const values = ['v', 'w'].map((text) => sha256(utf8ToBytes(text)));

function walk(seed: string) {
  const random = drbg(utf8ToBytes(seed));
  const below = (n: number) => random(1)[0]! % n;
  const test = createTestChain({ hospitals: 5, devicesEach: 0, params: { eraHeights: ERA_HEIGHTS } });
  for (let i = 6; i <= PEOPLE; i += 1) test.validators.push(person(`hospital-${i}`));
  const idOf = ({ publicKey }: Person) => bytesToHex(publicKey);
  const seats = new Map<string, Seat>(test.validators.slice(0, 5).map((who) => [idOf(who), 'held']));
  const isSeated = (who: Person) => ['held', 'weightless'].includes(seats.get(idOf(who)) ?? 'lost');
  const seated = () => test.validators.filter(isSeated);
  const seen = new Set<string>();

  /** Everybody needed says it, in one block. */
  const vote = (method: string, args: object): Call[] =>
    seated()
      .slice(0, quorumOf(seated().length))
      .map((from) => ({ from, contract: 'identity', method, args }));

  function step(): Call[] {
    const who = test.validators[below(PEOPLE)]!;
    const action = below(8);
    if (action === 0 && !isSeated(who)) {
      const { publicKey, name } = who;
      const calls = vote('add', {
        publicKey,
        vrfPublicKey: vrfPublicKeyOf(who.vrfSecret),
        name,
        hospital: name,
      });
      seats.set(idOf(who), 'held');
      seen.add('joined');
      return calls;
    }
    if (action === 1 && isSeated(who) && seated().length > SEATS_MIN) {
      const calls = vote('remove', { publicKey: who.publicKey });
      seats.set(idOf(who), 'lost');
      seen.add('left');
      return calls;
    }
    if (action === 2 && isOnRing(test, who) && isSeated(who)) {
      const seat = seated().length > SEATS_MIN ? 'lost' : 'weightless';
      seats.set(idOf(who), seat);
      seen.add(seat);
      return [offence(test, who)];
    }
    return [];
  }

  /** Keys with a seat, and whether they weigh: by era, at its end. */
  const history: string[][] = [];
  const snapshot = () =>
    seated()
      .map((who) => `${idOf(who)} ${seats.get(idOf(who)) === 'weightless' ? 'without' : 'with'} weight`)
      .sort();
  const genesis = snapshot();
  for (let height = 1; height <= HEIGHTS; height += 1) {
    const era = Math.floor(height / ERA_HEIGHTS);
    const ring = ringAt(test.state, height, ERA_HEIGHTS);
    const shown = ring.map(
      ({ publicKey, weight }) => `${bytesToHex(publicKey)} ${weight === 0 ? 'without' : 'with'} weight`,
    );
    expect(shown, `${seed}, height ${height}`).toEqual(era < 2 ? genesis : history[era - 2]);
    expect(ring.length).toBeGreaterThanOrEqual(SEATS_MIN);
    const absent = below(ring.length);
    const judged =
      below(10) === 0 ? test.empty() : test.block(step(), undefined, (_, index) => index !== absent);
    for (const receipt of judged.executed.receipts) expect(receipt.code, seed).toBeNull();
    expect(judged.tip.committee).toHaveLength(ring.length);
    const next = ringAt(test.state, height + 1, ERA_HEIGHTS);
    expect(judged.block.header.nextRingRoot).toEqual(ringRoot(next));
    history[era] = snapshot();
  }
  const replay = createReplay(test.chain);
  for (const entry of test.entries) expect(replay.take(entry), seed).toBeNull();
  return seen;
}

function isOnRing(test: TestChain, who: Person): boolean {
  const ring = ringAt(test.state, test.tip.height + 1, ERA_HEIGHTS);
  return ring.some(({ publicKey }) => Buffer.compare(publicKey, who.publicKey) === 0);
}

/** Two soft votes at the next height, brought in by whoever has a seat first. */
function offence(test: TestChain, who: Person): Call {
  const height = test.tip.height + 1;
  const said = values.map((value) => {
    const vote = { height, period: 0, step: 'soft', value } as const;
    const { signature } = signVote(test.chain.chainId, vote, who.publicKey, who.secret);
    return { step: 'soft', period: 0, value, signature };
  });
  const args = { accused: who.publicKey, height, first: said[0], second: said[1] };
  return { from: test.publisher, contract: 'evidence', method: 'submit', args };
}

describe('committees while validators come, go and offend', () => {
  it('are those of the seats two eras before, at every height, also in the replay', () => {
    const seen = new Set<string>();
    for (const seed of ['walk 1', 'walk 2']) for (const what of walk(seed)) seen.add(what);
    expect([...seen].sort()).toEqual(['joined', 'left', 'lost', 'weightless']);
  }, 120_000);
});
