import { describe, expect, it } from 'vitest';
import { type RoundUpdate, verificationRules } from '../../../../fl/index.js';
import { context, quiet, reasons, update } from './rounds.js';

const rule = verificationRules['multi-krum'];
const grid = quiet(1);
const verify = (updates: readonly RoundUpdate[], faulty: number, blacklisted = 0, on = grid) =>
  rule.verify(updates, null, context(on, 1, faulty, blacklisted));

describe('multi-Krum', () => {
  it('is no ground for losing reputation and remembers nothing', () => {
    expect(rule.absolute).toBe(false);
    expect(verify([update('a', [1])], 0).accumulator).toBeNull();
  });

  it('scores by the n - f - 2 nearest others and refuses the f worst', () => {
    // Means 0, 1, 3, 6, 20; f = 1, so two neighbours each: 1+9, 1+4, 4+9, 9+25, 196+289.
    const updates = [0, 1, 3, 6, 20].map((entry, index) => update('abcde'[index]!, [entry]));
    const { verdicts } = verify(updates, 1);
    expect(reasons(verdicts)).toEqual(['a ok', 'b ok', 'c ok', 'd ok', 'e rank']);
    expect(verdicts.map(({ score16 }) => score16)).toEqual([10, 5, 13, 34, 485].map((x) => x * 65_536));
  });

  it('compares means, not sums: units scale the update, not its place', () => {
    // Means 0, 1/3, 1/2, 6, 20 with units 1, 3, 2, 5, 1.
    const updates = [
      update('a', [0], 1),
      update('b', [1], 3),
      update('c', [1], 2),
      update('d', [30], 5),
      update('e', [20], 1),
    ];
    expect(reasons(verify(updates, 1).verdicts)).toEqual(['a ok', 'b ok', 'c ok', 'd ok', 'e rank']);
    const larger = updates.map((one) => ({ ...one, units: 7 * one.units, wire: one.wire.map((x) => 7 * x) }));
    expect(verify(larger, 1).verdicts).toEqual(verify(updates, 1).verdicts);
  });

  it.each<[number, number, number, number]>([
    // devices, f, blacklisted, refused
    [20, 6, 0, 6],
    [20, 6, 4, 2],
    [14, 6, 6, 0],
    [14, 6, 7, 0],
    [14, 6, 0, 5],
    [5, 6, 0, 1],
    [4, 6, 0, 0],
    [3, 1, 0, 0],
    [1, 1, 0, 0],
    [0, 1, 0, 0],
    [20, 0, 0, 0],
  ])('of %i devices with f = %i and %i blacklisted refuses %i', (n, faulty, blacklisted, refused) => {
    const updates = Array.from({ length: n }, (_, index) =>
      update(`d${String(index).padStart(2, '0')}`, [(index * index * 7) % 101]),
    );
    const { verdicts } = verify(updates, faulty, blacklisted);
    expect(verdicts.filter(({ reason }) => reason === 'rank')).toHaveLength(refused);
  });

  it('scores by n - 2 neighbours when more are blacklisted than were reckoned with', () => {
    const { verdicts } = verify([update('a', [0]), update('b', [1]), update('c', [3])], 1, 3);
    expect(verdicts.map(({ score16 }) => score16 / 65_536)).toEqual([1, 1, 4]);
  });

  it('leaves itself out by index, so equal updates stay neighbours', () => {
    // Two at 50 are each other's neighbour at distance 0: (0 + 40²) beats nobody, but counts the twin.
    const updates = [10, 11, 12, 50, 50].map((entry, index) => update('abcde'[index]!, [entry]));
    const scores = verify(updates, 1).verdicts.map(({ score16 }) => score16 / 65_536);
    expect(scores).toEqual([1 + 4, 1 + 1, 1 + 4, 0 + 38 * 38, 0 + 38 * 38]);
  });

  it('breaks ties by the hash: the smaller one stays', () => {
    const with50 = (hashD: string, hashE: string) => [
      update('a', [10]),
      update('b', [11]),
      update('c', [12]),
      update('d', [50], 1, hashD),
      update('e', [50], 1, hashE),
    ];
    expect(reasons(verify(with50('01', '02'), 1).verdicts)).toContain('e rank');
    expect(reasons(verify(with50('02', '01'), 1).verdicts)).toContain('d rank');
  });

  it('keeps apart scores that differ by less than doubles can tell', () => {
    // d and e lie near 2³⁰ in the fixed point, their squares near 2⁶⁰ (where doubles are 128 apart) differ by 49.
    const on = quiet(10_000);
    const far = (device: string, small: number, hash: string) => {
      const wire = new Array<number>(10_000).fill(0);
      wire[0] = 160_000_000;
      wire[1] = small;
      return update(device, wire, 10_000, hash);
    };
    const near = ['a', 'b', 'c'].map((device) => update(device, new Array(10_000).fill(0), 10_000));
    const { verdicts } = verify([...near, far('d', 0, 'z'), far('e', 1, 'a')], 1, 0, on);
    expect(reasons(verdicts)).toEqual(['a ok', 'b ok', 'c ok', 'd ok', 'e rank']);
  });

  it('refuses by the norm cap first and ranks the others without', () => {
    const good = [0, 1, 3, 6, 20].map((entry, index) => update('abcde'[index]!, [entry]));
    const { verdicts } = verify([...good, update('f', [1_000_000])], 1);
    expect(verdicts[5]).toEqual({ device: 'f', qualified: false, reason: 'norm', score16: 0 });
    expect(verdicts.slice(0, 5)).toEqual(verify(good, 1).verdicts);
  });
});

describe('every rule', () => {
  it.each(Object.entries(verificationRules))('%s refuses an update over the norm cap', (name, any) => {
    expect(any.name).toBe(name);
    // One unit, C = 1, no noise: 1,024 steps and √d for the rounding.
    const { verdicts } = any.verify(
      [update('a', [1024]), update('b', [-1027]), update('c', [2048], 2)],
      null,
      context(grid),
    );
    expect(reasons(verdicts)).toEqual(['a ok', 'b norm', 'c ok']);
  });

  it.each(Object.entries(verificationRules))('%s asserts on a malformed round', (_, any) => {
    const bad: [RegExp, readonly RoundUpdate[], number][] = [
      [/sorted/, [update('b', [1]), update('a', [1])], 1],
      [/sorted/, [update('a', [1]), update('a', [1])], 1],
      [/dimension/, [update('a', [1, 2])], 1],
      [/units from 1/, [update('a', [1], 0)], 1],
      [/units from 1/, [update('a', [1], 10_001)], 1],
      [/units from 1/, [update('a', [1], 1.5)], 1],
      [/count from 1/, [update('a', [1])], 0],
    ];
    for (const [message, updates, round] of bad)
      expect(() => any.verify(updates, null, context(grid, round))).toThrow(message);
  });

  it.each(Object.entries(verificationRules))('%s takes a round without updates', (_, any) => {
    expect(any.verify([], null, context(grid)).verdicts).toEqual([]);
  });

  it('none accepts all within the cap', () => {
    const { verdicts } = verificationRules.none.verify(
      [update('a', [1000]), update('b', [-1000])],
      null,
      context(grid),
    );
    expect(reasons(verdicts)).toEqual(['a ok', 'b ok']);
  });
});
