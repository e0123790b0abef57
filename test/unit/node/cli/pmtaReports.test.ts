import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeReports } from '../../../../node/pmta/index.js';
import { plantedReports } from '../../../support/leaks.js';
import { writeProviders } from '../../../support/pmta.js';
import { runProgram } from '../../../support/runProgram.js';

const LEAKING = 10;
let dir: string;
let data: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-pmta-reports-'));
  data = writeProviders(dir, [60, 40]);
  writeReports('reports.json', 'one');
  writeReports('other.json', 'other');
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const at = (name: string) => join(dir, name);
const north = (index: number) => `provider-${index + 1}`;
const south = (index: number) => `provider-${index + 61}`;

function writeReports(name: string, seed: string): void {
  const pieces = [
    ...plantedReports('north', north, { providers: 60, leaking: LEAKING, seed }),
    ...plantedReports('south', south, { providers: 40, leaking: LEAKING, seed }),
  ];
  writeFileSync(at(name), encodeReports(pieces));
}

const wards = () => ['--schema', at('schema.json'), '--area-column', 'ward', '--provider', 'who'];
const run = (...args: string[]) =>
  runProgram('pmta', 'run', data, ...wards(), '--clusters', '3', '--shares', '1,1,1', ...args);
const noised = ['--epsilon', '8', '--delta', '1e-5'];
const kept = (name: string) => JSON.parse(readFileSync(at(name), 'utf8'));

interface KeptArea {
  readonly providers: readonly { name: string; cluster: number; influence: number; level: number }[];
}

describe('pmta run with leak reports', () => {
  it('gives those reported most level 1, and says what those reported would assemble', async () => {
    const args = ['--public', '--reports', at('reports.json'), '--out', at('levels.json')];
    const { exit, out } = await run(...args, '--json');
    expect(exit).toBe('ok');
    const result = kept('levels.json');
    const told = JSON.parse(out);
    for (const [index, [name, size]] of [[north, 60] as const, [south, 40] as const].entries()) {
      const { providers, levels, allocation } = result.areas[index];
      expect(levels).toEqual(size === 60 ? [20, 20, 20] : [13, 13, 14]);
      const lowest = Array.from({ length: LEAKING }, (_, leak) => name(size - LEAKING + leak)).filter(
        (leaking) => providers.find((each: { name: string }) => each.name === leaking).level === 1,
      );
      expect(lowest.length).toBeGreaterThanOrEqual(LEAKING - 2);
      expect(allocation).toMatchObject({ pieces: 12 * size, windows: 6, readers: 3, seed: 'consilium' });
      expect(allocation.share.gated).toBeLessThan(allocation.share.pool);
      expect(told.areas[index]).toMatchObject({ allocation, providers: size });
    }
    const { notes, out: text } = await run(...args);
    expect(notes).toContain('nothing is computed anew');
    expect(text).toContain('of one pool');
    expect(text).not.toContain('drawn by lot');
  });

  it('takes other reports, or none, without new noise, and never mixes them', async () => {
    const out = ['--out', at('noised.json')];
    await run(...noised, ...out);
    const plain = kept('noised.json');
    expect(plain.reports).toBeNull();
    const first = await run(...noised, '--reports', at('reports.json'), ...out);
    expect([first.exit, first.notes]).toEqual(['ok', expect.stringContaining('nothing is charged')]);
    const one = kept('noised.json');
    await run(...noised, '--reports', at('other.json'), ...out);
    const other = kept('noised.json');
    const parts = (result: { areas: KeptArea[] }) => ({
      released: result.areas.map(({ providers }) => providers.map(({ level, ...rest }) => rest)),
      levels: result.areas.map(({ providers }) => providers.map(({ level }) => level)),
    });
    expect(other.reports).not.toBe(one.reports);
    for (const result of [one, other]) {
      expect([result.key, result.spent]).toEqual([plain.key, plain.spent]);
      expect(parts(result).released).toEqual(parts(plain).released);
    }
    expect(parts(one).levels).not.toEqual(parts(other).levels);
    await run(...noised, '--reports', at('reports.json'), ...out);
    expect(kept('noised.json')).toEqual(one);
    await run(...noised, ...out);
    expect(kept('noised.json')).toEqual(plain);
  });

  it('refuses reports that fit no area before anything is charged or written', async () => {
    const pieces = plantedReports('north', north, { providers: 60, leaking: LEAKING });
    writeFileSync(at('north.json'), encodeReports(pieces));
    writeFileSync(at('early.json'), encodeReports(pieces.map((piece) => ({ ...piece, window: 0 }))));
    const strange = plantedReports('north', (index) => `patient-${index}`, { providers: 60, leaking: 9 });
    writeFileSync(at('strange.json'), encodeReports(strange));
    writeFileSync(at('empty.json'), '[]');
    const cases: [string[], string, string][] = [
      [['--reports', at('north.json')], 'bad-data', 'nothing was read in area south'],
      [
        ['--reports', at('strange.json'), '--area', 'north'],
        'bad-data',
        'no providers of area north: patient-',
      ],
      [['--reports', at('early.json'), '--area', 'north'], 'bad-data', 'two or more'],
      [['--reports', at('empty.json')], 'bad-data', 'no piece'],
      [['--reports', at('nowhere.json')], 'bad-config', 'nowhere.json'],
      [['--reports', at('reports.json'), '--shares', '1,0,2'], 'bad-data', 'level 2 would have none'],
      [['--reports', at('reports.json'), '--attributes', 'synthetic'], 'usage', '--attributes noised'],
    ];
    for (const [args, exit, text] of cases) {
      const found = await run(...noised, ...args, '--out', at('refused.json'));
      expect([args, found.exit, found.message]).toEqual([args, exit, expect.stringContaining(text)]);
      expect(existsSync(at('refused.json'))).toBe(false);
    }
    const { exit, notes } = await run(
      ...noised,
      ...['--reports', at('reports.json'), '--area', 'north', '--out', at('refused.json')],
    );
    expect([exit, notes]).toEqual(['ok', expect.stringContaining('passed over: south')]);
    // What is there already is left as it is, too.
    const before = readFileSync(at('refused.json'), 'utf8');
    const later = ['--reports', at('strange.json'), '--area', 'north', '--out', at('refused.json')];
    expect((await run(...noised, ...later)).exit).toBe('bad-data');
    expect(readFileSync(at('refused.json'), 'utf8')).toBe(before);
  });
});
