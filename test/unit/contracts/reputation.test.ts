import { describe, expect, it } from 'vitest';
import { RING_ERAS_KEPT, type RingSeat, ringAt, ringCell } from '../../../consensus/index.js';
import { emptyRunCell, presenceCell, validatorPointsCell } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { createTestChain, type TestChain } from '../../support/chain.js';

const pointsOf = (test: TestChain) =>
  test.validators.map(({ publicKey }) => validatorPointsCell.get(test.state, bytesToHex(publicKey)));
const is =
  (test: TestChain, index: number) =>
  ({ publicKey }: RingSeat): boolean =>
    Buffer.compare(publicKey, test.validators[index]!.publicKey) === 0;
const small = { params: { eraHeights: 4 } } as const;

/** What the running era says of each validator so far, [drawn, stood], in their order; null: nothing. */
const presenceOf = (test: TestChain) =>
  test.validators.map(({ publicKey }) => {
    const entry = (presenceCell.get(test.state) ?? []).find(
      (each) => Buffer.compare(each.publicKey, publicKey) === 0,
    );
    return entry === undefined ? null : [entry.drawn, entry.stood];
  });

describe('presence', () => {
  it('is counted from the parent votes that a block carries, and from nothing else', () => {
    const test = createTestChain();
    const absent = is(test, 2);
    test.block([], undefined, (seat) => !absent(seat));
    expect(presenceOf(test)).toEqual([null, null, null, null]);
    test.block([]);
    const once = [
      [1, 1],
      [1, 1],
      [1, 0],
      [1, 1],
    ];
    expect(presenceOf(test)).toEqual(once);
    // The empty block carries no votes: nobody took part, nobody was absent.
    test.empty();
    expect(presenceOf(test)).toEqual(once);
    test.block([]);
    expect(presenceOf(test)).toEqual([
      [2, 2],
      [2, 2],
      [2, 1],
      [2, 2],
    ]);
  });

  it('asks of nobody to have voted where it was not drawn', () => {
    const test = createTestChain({ hospitals: 5, params: { members: 4, eraHeights: 4 } });
    for (let height = 1; height <= 3; height += 1) test.block([]);
    const drawn = test.validators.map(
      ({ publicKey }) =>
        test.blocks
          .slice(0, 2)
          .filter(({ tip }) => tip.committee.some((seat) => Buffer.compare(seat.publicKey, publicKey) === 0))
          .length,
    );
    expect(Math.min(...drawn)).toBeLessThan(2);
    expect(presenceOf(test)).toEqual(drawn.map((count) => (count === 0 ? null : [count, count])));
    // So that a committee smaller than all validators costs nobody anything.
    test.block([]);
    for (const points of pointsOf(test)) expect([null, 101]).toContain(points);
  });
});

describe('a validator', () => {
  it('gains a point in an era in which it stood in most votes, and loses one for being absent', () => {
    const test = createTestChain(small);
    const late = is(test, 3);
    // Heights 1 to 3 are era 0; the votes for 3 come with 4, the first of era 1, and still count for era 0.
    for (let height = 1; height <= 3; height += 1) test.block([], undefined, (seat) => !late(seat));
    expect(pointsOf(test)).toEqual([null, null, null, null]);
    test.block([]);
    expect(pointsOf(test)).toEqual([101, 101, 101, 99]);
    expect(presenceCell.get(test.state)).toBeNull();
  });

  it.each([
    [1, 3, 0],
    [2, 4, 0],
    [3, 4, 1],
    [1, 4, -1],
    [0, 3, -1],
  ])('that stood in %i of %i gets %i', (stood, drawn, change) => {
    const test = createTestChain({ params: { eraHeights: drawn + 1 } });
    const late = is(test, 0);
    for (let height = 1; height <= drawn; height += 1) {
      test.block([], undefined, (seat) => height <= stood || !late(seat));
    }
    test.block([]);
    expect(pointsOf(test)).toEqual([change === 0 ? null : 100 + change, 101, 101, 101]);
  });

  it('whose block failed loses a point, in the next block, empty or not', () => {
    const test = createTestChain();
    const first = test.leader();
    test.empty();
    expect(pointsOf(test)).toEqual([null, null, null, null]);
    const second = test.leader();
    const failures = (index: number) =>
      test.blocks[index]!.executed.receipts[0]!.events.filter(({ kind }) => kind === 'leader-failed');
    test.empty();
    expect(failures(1)).toMatchObject([{ fields: { validator: first.publicKey, height: 1 } }]);
    test.block([]);
    expect(failures(2)).toMatchObject([{ fields: { validator: second.publicKey, height: 2 } }]);
    test.block([]);
    expect(failures(3)).toEqual([]);
    const lost = test.validators.map((who) => [first, second].filter((leader) => leader === who).length);
    expect(pointsOf(test)).toEqual(lost.map((count) => (count === 0 ? null : 100 - count)));
  });

  it('never falls below 1 nor climbs above the cap', () => {
    const reputation = (start: number, cap: number) =>
      createTestChain({ params: { eraHeights: 2, validatorReputation: { start, cap } } });
    const low = reputation(1, 5);
    for (let i = 0; i < 5; i += 1) low.empty();
    expect(pointsOf(low).every((points) => points === 1 || points === null)).toBe(true);
    expect(pointsOf(low)).toContain(1);
    const high = reputation(4, 5);
    for (let i = 0; i < 8; i += 1) high.block([]);
    expect(pointsOf(high)).toEqual([5, 5, 5, 5]);
  });
});

describe('emptyRun', () => {
  it('counts the empty blocks in a row that end at the parent', () => {
    const test = createTestChain();
    const runs: (number | null)[] = [];
    for (const empty of [false, true, true, false, true, false, false]) {
      if (empty) test.empty();
      else test.block([]);
      runs.push(emptyRunCell.get(test.state));
    }
    expect(runs).toEqual([0, 0, 1, 2, 0, 1, 0]);
  });
});

describe('the ring of an era', () => {
  it('is fixed by the state at the end of the era before the previous one', () => {
    const test = createTestChain(small);
    const late = is(test, 3);
    const weights = (height: number) => ringAt(test.state, height, 4).map(({ weight }) => weight);
    const flat = [100, 100, 100, 100];
    const sorted = [...test.validators].sort((a, b) => Buffer.compare(a.publicKey, b.publicKey));
    const dented = sorted.map((who) => (who === test.validators[3] ? 99 : 101));
    for (let height = 1; height <= 12; height += 1) {
      const expected = height < 8 ? flat : height < 12 ? dented : dented.map((weight) => weight + 1);
      expect(weights(height), `height ${height}`).toEqual(expected);
      if (height === 12) break;
      // In era 0, and only then, one is absent.
      test.block([], undefined, (seat) => height >= 4 || !late(seat));
    }
  });

  it('is named by each header for the height after it', () => {
    const test = createTestChain({ params: { eraHeights: 2 } });
    const roots = [1, 2, 3, 4, 5].map(() => bytesToHex(test.block([]).block.header.nextRingRoot));
    // Eras 0 and 1 (heights 1 to 3) have the genesis ring; era 2 begins at 4, era 3 at 6.
    expect(roots[0]).toBe(roots[1]);
    expect(roots[2]).not.toBe(roots[1]);
    expect(roots[3]).toBe(roots[2]);
    expect(roots[4]).not.toBe(roots[3]);
  });

  it('is there also when every height is an era', () => {
    const test = createTestChain({ params: { eraHeights: 1 } });
    for (let i = 0; i < 5; i += 1) test.block([]);
    test.empty();
    expect(ringAt(test.state, 7, 1).length).toBe(4);
  });

  it('stays for as long as evidence may name its heights, and goes then', () => {
    const test = createTestChain({ params: { eraHeights: 1 } });
    for (let i = 0; i < RING_ERAS_KEPT + 3; i += 1) test.block([]);
    const era = RING_ERAS_KEPT + 3;
    const kept = Array.from({ length: era + 3 }, (_, i) => i).filter(
      (each) => ringCell.get(test.state, each) !== null,
    );
    expect(kept).toEqual(Array.from({ length: RING_ERAS_KEPT + 2 }, (_, i) => 3 + i));
  });
});
