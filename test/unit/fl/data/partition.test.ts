import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drbg, utf8ToBytes } from '../../../../crypto/index.js';
import { dirichletDraw } from '../../../../fl/data/partition/dirichlet.js';
import { type PartitionInput, partitionRule } from '../../../../fl/index.js';
import { createUniform } from '../../../../fl/privacy/uniform.js';

const seed = utf8ToBytes('a seed');

function input(change: Partial<PartitionInput> = {}): PartitionInput {
  const labels = Float32Array.from({ length: 1_000 }, (_, row) => row % 10);
  return { labels, sites: null, parts: 10, rowsMin: 1, seed, ...change };
}

function deal(name: string, change: Partial<PartitionInput> = {}) {
  const rule = partitionRule(name);
  if (rule === null) throw new Error(`no rule ${name}`);
  return rule(input(change));
}

function parts(name: string, change: Partial<PartitionInput> = {}): readonly (readonly number[])[] {
  const dealt = deal(name, change);
  if (!dealt.ok) throw new Error(dealt.text);
  return dealt.parts;
}

/** Mean over devices of the share of their most frequent class. */
function skew(dealt: readonly (readonly number[])[], labels: ArrayLike<number>): number {
  const most = dealt.map((rows) => {
    const counts = new Map<number, number>();
    for (const row of rows) counts.set(labels[row]!, (counts.get(labels[row]!) ?? 0) + 1);
    return Math.max(...counts.values()) / rows.length;
  });
  return most.reduce((sum, share) => sum + share, 0) / most.length;
}

describe('partitions', () => {
  it.each(['iid', 'site', 'dirichlet:0.1', 'dirichlet:100'])(
    '%s gives every row to exactly one device, by its seed',
    (name) => {
      const sites = Array.from({ length: 1_000 }, (_, row) => 'abcde'[(row * 7) % 5]!);
      const dealt = parts(name, { sites });
      expect(dealt).toHaveLength(10);
      expect(dealt.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 1_000 }, (_, row) => row));
      expect(parts(name, { sites })).toEqual(dealt);
      expect(parts(name, { sites, seed: utf8ToBytes('another') })).not.toEqual(dealt);
    },
  );

  it('iid deals evenly', () => {
    expect(parts('iid', { parts: 3 }).map((rows) => rows.length)).toEqual([334, 333, 333]);
    expect(deal('iid', { parts: 3, rowsMin: 334 })).toMatchObject({ ok: false, reason: 'too-few-rows' });
  });

  it('dirichlet is uneven where alpha is small and even where it is large', () => {
    const { labels } = input();
    expect(skew(parts('dirichlet:0.1'), labels)).toBeGreaterThan(0.5);
    expect(skew(parts('dirichlet:1000'), labels)).toBeLessThan(0.2);
    const sizes = parts('dirichlet:0.1', { rowsMin: 20 }).map((rows) => rows.length);
    expect(Math.min(...sizes)).toBeGreaterThanOrEqual(20);
    expect(Math.max(...sizes)).toBeGreaterThan(150);
  });

  it('dirichlet gives up where devices cannot have their rows', () => {
    expect(deal('dirichlet:1', { rowsMin: 101 })).toMatchObject({ reason: 'too-few-rows' });
    expect(deal('dirichlet:0.001', { parts: 11, rowsMin: 50 })).toMatchObject({ reason: 'too-few-rows' });
  });

  it.each([0.1, 0.5, 1, 3])('draws of alpha %s have the mean and variance of a Dirichlet', (alpha) => {
    const uniform = createUniform(drbg(utf8ToBytes(`alpha ${alpha}`)), 4_096);
    const draws = Array.from({ length: 20_000 }, () => dirichletDraw(alpha, 4, uniform)[0]!);
    const mean = draws.reduce((sum, value) => sum + value, 0) / draws.length;
    const variance = draws.reduce((sum, value) => sum + (value - mean) ** 2, 0) / draws.length;
    const expected = (0.25 * 0.75) / (4 * alpha + 1);
    // Five standard errors of the mean; the variance's is below 2 % of it.
    expect(Math.abs(mean - 0.25)).toBeLessThan(5 * Math.sqrt(expected / draws.length));
    expect(Math.abs(variance / expected - 1)).toBeLessThan(0.1);
  });

  it('sums to one at any alpha, also where gamma draws are below every float', () => {
    const uniform = createUniform(drbg(seed), 4_096);
    for (const alpha of [0.001, 0.01, 1e6]) {
      const shares = dirichletDraw(alpha, 20, uniform);
      expect(shares.every((share) => share >= 0 && share <= 1)).toBe(true);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
    }
  });

  it('site keeps hospitals apart: devices in the order of the sites’ names', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('b', 'a', 'c'), { minLength: 60, maxLength: 90 }), (sites) => {
        fc.pre(['a', 'b', 'c'].every((name) => sites.filter((site) => site === name).length >= 2));
        const labels = sites.map(() => 0);
        const dealt = parts('site', { labels, sites, parts: 6 });
        for (const [device, rows] of dealt.entries())
          for (const row of rows) expect(sites[row]).toBe('abc'[Math.floor(device / 2)]);
      }),
      { numRuns: 20 },
    );
  });

  it('site refuses data that does not say where it is from, and devices that cannot be shared', () => {
    expect(deal('site')).toMatchObject({ reason: 'no-sites' });
    const sites = Array.from({ length: 1_000 }, (_, row) => 'abc'[row % 3]!);
    expect(deal('site', { sites })).toMatchObject({ reason: 'sites-unfit' });
    const few = sites.map((_, row) => (row === 0 ? 'a' : 'b'));
    expect(deal('site', { sites: few, parts: 4 })).toMatchObject({ reason: 'too-few-rows' });
  });

  it.each([
    '',
    'IID',
    'dirichlet',
    'dirichlet:0',
    'dirichlet:-1',
    'dirichlet:1e9',
    'dirichlet:1e3',
    'toString',
  ])('knows no rule %j', (name) => expect(partitionRule(name)).toBeNull());
});
