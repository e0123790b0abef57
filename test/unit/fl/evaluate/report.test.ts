import { describe, expect, it } from 'vitest';
import { utf8ToBytes } from '../../../../crypto/index.js';
import {
  bootstrap,
  evaluationReport,
  groupRows,
  leaveOneSiteOut,
  quantile,
  scoredRows,
} from '../../../../fl/index.js';
import { examples } from './rows.js';

const { logits, labels } = examples();
const options = { replicates: 1_000, coverage: 0.95, specificity: 0.9, seed: utf8ToBytes('a seed') };

describe('bootstrap', () => {
  it('gives the percentile intervals that NumPy gives with its own draws', () => {
    // NumPy 2.4.6, 4000 replicates for the AUROC and 2000 for the slope; 0.01 and 0.03 are three Monte Carlo errors.
    const { auroc, slope } = bootstrap(scoredRows(logits, labels), options);
    expect(Math.abs(auroc!.low - 0.70827)).toBeLessThan(0.01);
    expect(Math.abs(auroc!.high - 0.82178)).toBeLessThan(0.01);
    expect(Math.abs(slope!.low - 0.35742)).toBeLessThan(0.03);
    expect(Math.abs(slope!.high - 0.62142)).toBeLessThan(0.03);
    expect(auroc!.defined).toBe(1_000);
  });

  it('repeats by its seed', () => {
    const few = { ...options, replicates: 20 };
    const rows = scoredRows(logits, labels);
    expect(bootstrap(rows, few)).toEqual(bootstrap(rows, few));
    expect(bootstrap(rows, few)).not.toEqual(bootstrap(rows, { ...few, seed: utf8ToBytes('b') }));
  });

  it('draws persons whole: each row three times over is no more evidence', () => {
    const thrice = <T>(values: readonly T[]): T[] => values.flatMap((value) => [value, value, value]);
    const persons = thrice(logits.map((_, row) => `person ${row}`));
    const rows = scoredRows(thrice(logits), thrice(labels));
    const width = (of: typeof persons | null): number => {
      const { auroc } = bootstrap(rows, { ...options, replicates: 400, persons: of });
      return auroc!.high - auroc!.low;
    };
    expect(width(persons)).toBeGreaterThan(0.095);
    expect(width(null)).toBeLessThan(0.08);
  });

  it('has no interval where a measure is seldom defined', () => {
    const { auroc, brier } = bootstrap(scoredRows([1, 2, 3], [0, 0, 1]), options);
    expect(auroc).toBeNull(); // 1 - (2/3)³ - (1/3)³ of the replicates have both classes
    expect(brier).not.toBeNull();
  });

  it('refuses no and too many replicates', () => {
    for (const replicates of [0, 10_001, 1.5])
      expect(() => bootstrap(scoredRows([1], [1]), { ...options, replicates })).toThrow(RangeError);
  });

  it('interpolates quantiles as NumPy does', () => {
    const values = [0.1, 0.2, 0.3, 0.4, 0.6, 0.75, 0.9];
    for (const [share, value] of [
      [0.025, 0.115],
      [0.5, 0.4],
      [0.975, 0.8775],
    ])
      expect(quantile(values, share!)).toBeCloseTo(value!, 12);
  });
});

describe('groupRows', () => {
  it('makes a group of each value, the unknown last', () => {
    expect(groupRows(['m', '', 'f', 'm'])).toEqual({
      ok: true,
      groups: [
        { name: 'f', rows: [2] },
        { name: 'm', rows: [0, 3] },
        { name: 'unknown', rows: [1] },
      ],
    });
  });

  it('cuts numbers into ranges that begin at their cut', () => {
    expect(groupRows(['65', '39.9', '', '40', '90', 'old', '64'], [40, 65])).toEqual({
      ok: true,
      groups: [
        { name: '< 40', rows: [1] },
        { name: '40 to < 65', rows: [3, 6] },
        { name: '>= 65', rows: [0, 4] },
        { name: 'unknown', rows: [2, 5] },
      ],
    });
  });

  it('refuses a column of thousands', () => {
    expect(groupRows(Array.from({ length: 201 }, (_, row) => `${row}`))).toMatchObject({ ok: false });
  });
});

describe('evaluationReport', () => {
  it('reports all rows, then each group, and a group alike whatever else is asked', () => {
    const cells = logits.map((_, row) => (row % 3 === 0 ? 'north' : 'south'));
    const by = groupRows(cells);
    if (!by.ok) throw new Error(by.text);
    const few = { ...options, replicates: 30 };
    const groups = [{ by: 'site', groups: by.groups }];
    const report = evaluationReport({ logits, labels, groups, options: few });
    expect(report.map(({ by: column, name, rows }) => [column, name, rows])).toEqual([
      [null, 'all', 300],
      ['site', 'north', 100],
      ['site', 'south', 200],
    ]);
    const alone = [{ by: 'site', groups: by.groups.slice(1) }];
    expect(evaluationReport({ logits, labels, groups: alone, options: few })[1]).toEqual(report[2]);
  });
});

describe('leaveOneSiteOut', () => {
  it('measures each site by a model that saw all others and none of its rows', () => {
    const sites = logits.map((_, row) => 'abc'[row % 3]!);
    const rows = {
      x: Float32Array.from(logits),
      y: Float32Array.from(labels),
      rows: 300,
      subjects: null,
      sites,
    };
    const seen: number[] = [];
    const held = leaveOneSiteOut(rows, 0.9, (x, y) => {
      expect(x.length).toBe(y.length);
      seen.push(x.reduce((sum, value) => sum + value, 0));
      return (own) => own;
    });
    expect(held.map(({ site, rows: count, trainRows }) => [site, count, trainRows])).toEqual([
      ['a', 100, 200],
      ['b', 100, 200],
      ['c', 100, 200],
    ]);
    for (const [index, name] of [...'abc'].entries()) {
      const others = logits.filter((_, row) => sites[row] !== name).reduce((sum, value) => sum + value, 0);
      expect(seen[index]).toBeCloseTo(others, 3);
    }
    expect(() => leaveOneSiteOut({ ...rows, sites: null }, 0.9, () => (x) => x)).toThrow(RangeError);
  });
});
