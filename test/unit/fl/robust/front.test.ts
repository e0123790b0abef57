import { describe, expect, it } from 'vitest';
import {
  type FrontName,
  fronts,
  type RoundUpdate,
  verificationRules,
  verifyRound,
} from '../../../../fl/index.js';
import { context, generator, quiet, reasons, update } from './rounds.js';

const grid = quiet(1);
const names = 'abcdefghijklmnopqrst';
const row = (...entries: readonly number[]) => entries.map((entry, index) => update(names[index]!, [entry]));
const through = (
  front: FrontName,
  updates: readonly RoundUpdate[],
  faulty = 0,
  rule = verificationRules.none,
) => verifyRound(rule, front, updates, null, context(grid, 1, faulty));
const shown = (updates: readonly RoundUpdate[]) =>
  updates.map(({ device, units, wire }) => `${device} ${[...wire]}/${units}`);

describe('fronts', () => {
  it.each(Object.entries(fronts))(
    '%s stands for every update exactly once and knows its name',
    (name, front) => {
      expect(front.name).toBe(name);
      for (let n = 0; n < 9; n++) {
        const updates = row(...Array.from({ length: n }, (_, index) => (7 * index) % 5));
        const blends = front.blend(updates, context(grid, 1, 2));
        expect(blends.flatMap(({ standsFor }) => standsFor).sort((a, b) => a - b)).toEqual([
          ...updates.keys(),
        ]);
        for (const { of } of blends) expect(of.length).toBeGreaterThan(0);
      }
    },
  );

  it('none leaves updates as they are', () => {
    const updates = row(3, -4);
    expect(through('none', updates).qualified).toEqual(updates);
  });

  it('cap first: what is too long is refused and blended into nothing', () => {
    const long = update('z', [9_000]);
    const { verdicts, qualified } = through('nearest-neighbour-mixing', [...row(10, 20), long]);
    expect(reasons(verdicts)).toEqual(['a ok', 'b ok', 'z norm']);
    expect(shown(qualified)).toEqual(['a 15/1', 'b 15/1']);
  });
});

describe('nearest-neighbour mixing', () => {
  it('averages each update with its n - f - 1 nearest others', () => {
    // f = 1 of 4: three nearest, itself included.
    const { qualified } = through('nearest-neighbour-mixing', row(0, 3, 6, 999), 1);
    expect(shown(qualified)).toEqual(['a 3/1', 'b 3/1', 'c 3/1', 'd 336/1']);
  });

  it('weighs by units and keeps the device its own', () => {
    const updates = [update('a', [10], 1), update('b', [60], 3), update('c', [1000], 1)];
    // Means 10, 20, 1000; f = 1: a and b blend to 70/4, c and b to 1060/4 a unit.
    expect(shown(through('nearest-neighbour-mixing', updates, 1).qualified)).toEqual([
      'a 18/1',
      'b 53/3',
      'c 265/1',
    ]);
  });

  it.each([
    [4, 9, 3], // f is at most (n - 1) / 2
    [5, 9, 3],
    [5, 0, 5],
  ])('of %i devices with f = %i blends %i', (n, faulty, blended) => {
    const updates = row(...Array.from({ length: n }, (_, index) => index * index));
    for (const { of } of fronts['nearest-neighbour-mixing'].blend(updates, context(grid, 1, faulty)))
      expect(of.length).toBe(blended);
  });

  it('breaks ties by the payload hash', () => {
    const updates = [update('a', [0], 1, 'h1'), update('b', [5], 1, 'h3'), update('c', [-5], 1, 'h2')];
    expect(fronts['nearest-neighbour-mixing'].blend(updates, context(grid, 1, 1))[0]!.of).toEqual([0, 2]);
  });

  it('keeps itself although an equal one has the smaller hash', () => {
    const updates = [update('a', [0], 1, 'h3'), update('b', [0], 1, 'h1'), update('c', [0], 1, 'h2')];
    expect(fronts['nearest-neighbour-mixing'].blend(updates, context(grid, 1, 1))[0]!.of).toEqual([0, 1]);
  });

  it('draws a poisoned minority towards the rest: multi-Krum behind it keeps the mean honest', () => {
    // Skewed honest hospitals: Krum alone keeps one cluster; behind mixing every cluster has its part.
    const random = generator(5);
    const honest = Array.from(
      { length: 16 },
      (_, index) => Math.round(100 * random()) + (index < 11 ? 0 : 300),
    );
    const updates = row(...honest, -1000, -1000, -1000, -1000);
    const mean = (front: FrontName) => {
      const { qualified } = through(front, updates, 4, verificationRules['multi-krum']);
      return qualified.reduce((sum, { wire }) => sum + wire[0]!, 0) / qualified.length;
    };
    const truth = honest.reduce((sum, entry) => sum + entry, 0) / honest.length;
    expect(Math.abs(mean('nearest-neighbour-mixing') - truth)).toBeLessThan(60);
    expect(
      Math.abs(through('none', updates).qualified.reduce((s, { wire }) => s + wire[0]!, 0) / 20 - truth),
    ).toBeGreaterThan(200);
  });
});

describe('bucketing', () => {
  it('averages two by two, the same for the same round and hashes only', () => {
    const updates = row(1, 2, 3, 4, 5, 6, 7);
    const blends = (round: number, of = updates) =>
      JSON.stringify(fronts.bucketing.blend(of, context(grid, round)).map(({ of: members }) => members));
    expect(blends(1)).toBe(blends(1));
    expect(new Set([1, 2, 3, 4, 5].map((round) => blends(round))).size).toBeGreaterThan(1);
    const resent = [...updates.slice(0, 6), { ...updates[6]!, hash: 'other' }];
    expect([1, 2, 3, 4, 5].some((round) => blends(round) !== blends(round, resent))).toBe(true);
    expect(
      fronts.bucketing
        .blend(updates, context(grid))
        .map(({ of }) => of.length)
        .sort(),
    ).toEqual([1, 2, 2, 2]);
  });

  it('judges a bucket once, with the units of both, where the rule forgets', () => {
    const { verdicts, qualified } = through('bucketing', row(10, 20, 30, 40), 1);
    expect(verdicts).toHaveLength(4);
    expect(qualified).toHaveLength(2);
    expect(qualified.reduce((sum, { wire }) => sum + wire[0]!, 0)).toBe(100);
    expect(qualified.map(({ units }) => units)).toEqual([2, 2]);
  });
});

describe('a bucket with a poisoned member', () => {
  it('is refused as a whole by a rule of ranks', () => {
    const honest = Array.from({ length: 11 }, (_, index) => index);
    const updates = row(...honest, 1000);
    const { verdicts, qualified } = through('bucketing', updates, 1, verificationRules['multi-krum']);
    const refused = verdicts.filter(({ qualified: ok }) => !ok).map(({ device }) => device);
    expect(refused).toHaveLength(2);
    expect(refused).toContain('l');
    expect(qualified).toHaveLength(5);
    expect(Math.max(...qualified.map(({ wire }) => wire[0]!))).toBeLessThan(30);
  });

  it('gives each of its devices its own vector where the rule remembers devices', () => {
    const updates = [update('a', [30], 3), update('b', [2], 1)];
    const { qualified, accumulator } = through('bucketing', updates, 0, verificationRules.alignment);
    expect(shown(qualified)).toEqual(['a 24/3', 'b 8/1']);
    expect(accumulator).not.toBeNull();
  });
});
