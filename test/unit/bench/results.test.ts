import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cellText, documentOf } from '../../../bench/learning/document.js';
import { type Kept, readKept, readNotes } from '../../../bench/learning/kept.js';
import { sections } from '../../../bench/learning/sections.js';

const docs = join(import.meta.dirname, '..', '..', '..', 'docs');
const results = join(docs, 'results');

describe('docs/results.md', () => {
  it('is what the kept results make: npm run results', () => {
    const files = documentOf(
      readKept(results),
      sections.map(({ name }) => name),
      readNotes(results),
    );
    for (const [path, text] of files) expect(readFileSync(join(docs, path), 'utf8'), path).toBe(text);
    const pictures = readdirSync(results).filter((name) => name.endsWith('.svg'));
    expect(pictures.filter((name) => !files.has(`results/${name}`))).toEqual([]);
  });

  it('has results of sections that there are, no trial among them', () => {
    for (const [name, { measured }] of readKept(results)) {
      const section = sections.find((one) => one.name === name);
      expect(section, name).toBeDefined();
      expect(measured.seeds, name).toEqual(section!.seeded ? [0, 19] : null);
    }
  });
});

const kept: Kept = {
  section: 'one',
  title: 'One',
  method: ['How.'],
  measured: {
    seeds: [0, 1],
    at: '2026-01-01T00:00Z',
    commit: 'abc',
    machine: '2 × CPU, 4 GiB',
    node: 'v20',
    cpuSeconds: 1,
    wallSeconds: 2,
  },
  rows: [
    { name: 'a', value: 76.25, unit: '%', goal: '>= 76', met: true, reference: 'paper 84.5' },
    { name: 'b', value: 1, unit: 'of 6', goal: '= 6', met: false, reference: null },
    { name: 'c', value: 4.126, unit: 's', goal: null, met: null, reference: null },
  ],
  tables: [{ title: 'T', columns: ['what', 'n'], rows: [['x|y', { values: [1, 2], digits: 1 }]] }],
  plots: [
    {
      kind: 'lines',
      id: 'p',
      title: 'P <1>',
      x: { label: 'x, m', scale: 'log' },
      y: { label: 'y, s' },
      curves: [
        { name: 'ours', points: [1, 10].map((x) => ({ x, values: [x, x + 2] })) },
        { name: 'theirs', dashed: true, points: [1, 10].map((x) => ({ x, values: [5] })) },
      ],
    },
    {
      kind: 'bars',
      id: 'q',
      title: 'Q',
      y: { label: 'y, %', from: 50, to: 100 },
      groups: ['g', 'h'],
      series: [{ name: 's', bars: [[60, 70], [80]] }],
    },
  ],
  backend: 'float64',
};

describe('the generator', () => {
  const files = documentOf(new Map([['one', kept]]), ['one'], new Map([['one', 'A note.\n']]));
  const text = files.get('results.md')!;

  it('lists each goal, met or not, and counts them', () => {
    expect(text).toContain('1 of 2 are met.');
    expect(text).toContain('| [one](#one) | a | 76.3 % | >= 76 | met | paper 84.5 |');
    expect(text).toContain('| [one](#one) | b | 1 of 6 | = 6 | **not met** |  |');
    expect(text).toContain('| c | 4.13 s |  |');
  });

  it('computes mean and deviation from the values of the seeds', () => {
    expect(text).toContain('| x\\|y | 1.5 ± 0.7 |');
    expect(cellText({ values: [1, 2], digits: 2, mean: true, unit: 'of 6' })).toBe('1.50 of 6');
    expect(cellText({ value: 0.5, digits: 1, unit: 's' })).toBe('0.5 s');
  });

  it('copies notes and names commit, machine and seeds', () => {
    expect(text).toContain('A note.');
    expect(text).toContain('Seeds 0 to 1 · float64 · 2 × CPU, 4 GiB');
    expect(text).toContain('commit abc');
  });

  it('draws curves with error bars, references without, and escapes what it writes', () => {
    const svg = files.get('results/one-p.svg')!;
    expect(svg).toContain('P &lt;1&gt;');
    expect(svg.match(/class="error /g)).toHaveLength(2);
    expect(svg.match(/class="line dashed c1"/g)).toHaveLength(2);
    expect(svg).toContain('x, m (logarithmic)');
    expect(svg).not.toContain('NaN');
  });

  it('draws bars from the foot of the axis to their mean', () => {
    const svg = files.get('results/one-q.svg')!;
    const heights = [...svg.matchAll(/<rect class="fill c0"[^>]*height="([\d.]+)"/g)].map(([, h]) =>
      Number(h),
    );
    // Of an area of 300 px for 50 points: means 65 and 80.
    expect(heights).toEqual([90, 180]);
    expect(svg.match(/bar-error" d/g)).toHaveLength(1);
    expect(svg).not.toContain('NaN');
  });

  it('refuses results of a section that is no more, and a row with a cell too few', () => {
    expect(() => documentOf(new Map([['one', kept]]), [], new Map())).toThrow('no section');
    const short = { ...kept, tables: [{ title: 'T', columns: ['a', 'b'], rows: [['x']] }] };
    expect(() => documentOf(new Map([['one', short]]), ['one'], new Map())).toThrow('1 cells');
  });
});
