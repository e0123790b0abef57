import { describe, expect, it } from 'vitest';
import { exactOrder, quickOrder, type Racer, raceOrder } from '../../../consensus/race.js';
import { sha256, utf8ToBytes } from '../../../crypto/index.js';

const hashOf = (number: bigint) => Buffer.from(number.toString(16).padStart(64, '0'), 'hex');
const racers = (race: number, count: number): readonly Racer[] =>
  Array.from({ length: count }, (_, index) => {
    const hash = sha256(utf8ToBytes(`${race}/${index}`));
    return { index, hash, weight: 1 + ((hash[0]! * 256 + hash[1]!) % (race % 2 === 0 ? 200 : 1_000_000)) };
  });

describe('the order of a race', () => {
  it('is the exact one, though it is found by rough ways nearly always', () => {
    let quick = 0;
    for (let race = 0; race < 300; race += 1) {
      const field = racers(race, 1 + (race % 60));
      const exact = exactOrder(field).map(({ index }) => index);
      expect(raceOrder(field).map(({ index }) => index)).toEqual(exact);
      const found = quickOrder(field);
      if (found === null) continue;
      quick += 1;
      expect(found.map(({ index }) => index)).toEqual(exact);
    }
    expect(quick).toBeGreaterThan(270);
  });

  it('is left to the exact ways where two are nearly the same, equal, or too long to tell', () => {
    const near = (a: bigint, b: bigint, weight = 1): readonly Racer[] => [
      { index: 0, weight, hash: hashOf(a) },
      { index: 1, weight, hash: hashOf(b) },
    ];
    const middle = 2n ** 255n + 2n ** 250n;
    const cases = [near(middle, middle + 2n ** 200n), near(middle, middle), near(1n, middle), near(0n, 0n)];
    for (const field of cases) expect(quickOrder(field)).toBeNull();
    expect(cases.map((field) => raceOrder(field).map(({ index }) => index))).toEqual([
      [1, 0],
      [0, 1],
      [1, 0],
      [0, 1],
    ]);
  });
});
