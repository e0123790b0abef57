import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeProviders } from '../../../support/pmta.js';
import { runProgram } from '../../../support/runProgram.js';

let dir: string;
let data: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-pmta-'));
  data = writeProviders(dir, [60, 40]);
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const at = (name: string) => join(dir, name);
const common = () => ['--schema', at('schema.json'), '--clusters', '3', '--shares', '1,1,2'];
const named = ['--area-column', 'ward', '--provider', 'who'];
const run = (...args: string[]) => runProgram('pmta', 'run', data, ...common(), ...args);
const noised = ['--epsilon', '8', '--delta', '1e-5'];

describe('pmta run', () => {
  it('gives each provider of each area a cluster and a level, in the shares that were asked for', async () => {
    const { exit, out } = await run(...named, '--public', '--out', at('public.json'), '--json');
    expect(exit).toBe('ok');
    const told = JSON.parse(out);
    expect(told).toMatchObject({ budget: null, written: null });
    const { areas } = JSON.parse(readFileSync(at('public.json'), 'utf8'));
    for (const [index, [name, size]] of [['north', 60] as const, ['south', 40] as const].entries()) {
      const { providers, clusters, levels } = areas[index];
      expect(told.areas[index]).toMatchObject({ area: name, providers: size, clusters, levels });
      expect(providers.length).toBe(size);
      expect(Math.max(...clusters)).toBeLessThanOrEqual(Math.ceil((1.5 * size) / 3));
      for (const cluster of [0, 1, 2]) {
        const own = providers.filter((each: { cluster: number }) => each.cluster === cluster);
        const first = own.filter((each: { level: number }) => each.level === 1);
        expect(own.length).toBe(clusters[cluster]);
        // Level 1 is for the most influential of the cluster, a quarter of them.
        expect(Math.abs(first.length - own.length / 4)).toBeLessThan(1);
        const least = Math.min(...first.map((each: { influence: number }) => each.influence));
        for (const { level, influence } of own) if (level > 1) expect(influence).toBeLessThanOrEqual(least);
      }
    }
  });

  it('reports the budget, takes the same levels again for nothing, and refuses a release that is over it', async () => {
    const out = at('noised.json');
    const first = JSON.parse((await run(...named, ...noised, '--out', out, '--json')).out);
    expect(first.budget).toMatchObject({ delta: 1e-5, releases: 1 });
    expect(first.budget.epsilon).toBeGreaterThan(7.9);
    expect(first.budget.epsilon).toBeLessThanOrEqual(8);
    expect(first.areas[0].deviation).toBeGreaterThan(0);
    const written = readFileSync(out, 'utf8');
    expect((await run(...named, ...noised, '--out', out)).notes).toContain('nothing is computed anew');
    expect(readFileSync(out, 'utf8')).toBe(written);
    const other = ['--seed', 'other', '--out', out];
    const { exit, message } = await run(...named, ...noised, ...other);
    expect([exit, message]).toEqual(['refused', expect.stringContaining('over its budget')]);
    expect(readFileSync(out, 'utf8')).toBe(written);
    const more = JSON.parse((await run(...named, ...noised, ...other, '--budget', '20', '--json')).out);
    expect(more.budget.releases).toBe(2);
    // Two of ε = 8: more than one, less than the sum.
    expect(more.budget.epsilon).toBeGreaterThan(8);
    expect(more.budget.epsilon).toBeLessThan(16);
    const later = await run(
      ...named,
      ...noised,
      '--delta',
      '1e-6',
      '--seed',
      'x',
      '--budget',
      '60',
      '--out',
      out,
    );
    expect([later.exit, later.message]).toEqual(['refused', expect.stringContaining('--delta')]);
  });

  it('gives levels by lot, from records in the providers’ stead, and tells nothing else of a provider', async () => {
    const out = at('synthetic.json');
    const synthetic = [...named, ...noised, '--attributes', 'synthetic', '--out', out];
    const told = JSON.parse((await run(...synthetic, '--json')).out);
    expect(told.budget).toMatchObject({ delta: 1e-5, releases: 1 });
    expect(told.budget.epsilon).toBeGreaterThan(7.9);
    expect(told.budget.epsilon).toBeLessThanOrEqual(8);
    const { areas, spent } = JSON.parse(readFileSync(out, 'utf8'));
    expect(spent.assignedMicro).toBe(4_000_000);
    for (const [index, size] of [60, 40].entries()) {
      const { providers, levels, synthetic: made } = areas[index];
      expect(made.records).toBe(size);
      expect(made.keep).toBeCloseTo(Math.exp(4) / (Math.exp(4) + 2), 6);
      expect(providers.length).toBe(size);
      expect(levels.reduce((sum: number, count: number) => sum + count, 0)).toBe(size);
      for (const each of providers)
        expect(each).toMatchObject({ name: expect.any(String), cluster: null, influence: null });
    }
    const again = await run(...synthetic);
    expect(again.notes).toContain('nothing is computed anew');
    // Who reads the table alone may take the shares for those of the providers.
    expect(again.out).toContain(`that keeps it with chance ${areas[0].synthetic.keep.toFixed(2)}`);
    // What stands in changes, the budget does not.
    const other = await run(...named, ...noised, '--out', out);
    expect([other.exit, other.message]).toEqual(['refused', expect.stringContaining('over its budget')]);
  });

  it('says where the levels are, who is who, and what noise makes of them', async () => {
    const plain = await run('--area-column', 'ward', '--public', '--out', at('said.json'));
    expect(plain.notes).toContain('AREA-1, AREA-2');
    expect(plain.out).toContain(`Levels of 100 providers are in ${at('said.json')}`);
    expect(plain.out).not.toContain('drawn by lot');
    const drowned = await run(...named, ...noised, '--out', at('drowned.json'));
    expect(drowned.notes).not.toContain('AREA-1');
    expect(drowned.out).toContain('as good as drawn by lot');
    expect(drowned.out).toContain('(1 release)');
    // A short row needs less noise, if it says less.
    const shortened = await run(...named, ...noised, '--clip', '0.1', '--out', at('short.json'));
    expect(shortened.out).toContain('standard deviation');
    expect(shortened.out).not.toContain('drawn by lot');
  });

  it('is refused before anything is computed where the result could not be written', async () => {
    const { exit, message, notes } = await run(...named, '--public', '--out', at('nowhere/levels.json'));
    expect([exit, message]).toEqual(['usage', expect.stringContaining('cannot be written')]);
    expect(notes).toBe('');
  });

  it('passes over areas that were not asked for', async () => {
    const { out } = await run(...named, '--public', '--area', 'south', '--out', at('south.json'), '--json');
    expect(JSON.parse(out).areas.map(({ area }: { area: string }) => area)).toEqual(['south']);
  });

  it.each([
    ['no area column', ['--public'], 'usage', '--area-column'],
    ['an area column that is not there', ['--area-column', 'town', '--public'], 'bad-data', 'town'],
    ['a provider column that is not there', [...named, '--provider', 'whom', '--public'], 'bad-data', 'whom'],
    ['an area that is not there', [...named, '--area', 'west', '--public'], 'bad-data', 'north, south'],
    ['fewer providers than clusters', [...named, '--clusters', '41', '--public'], 'bad-data', 'south has 40'],
    [
      'a provider in two areas',
      ['--area-column', 'ward', '--provider', 'outcome', '--public'],
      'bad-data',
      'can be in one',
    ],
    ['neither noise nor its absence', named, 'usage', '--epsilon'],
    ['noise and its absence', [...named, '--public', ...noised], 'usage', '--public'],
    ['ε without δ', [...named, '--epsilon', '8'], 'usage', '--delta'],
    ['clusters that cannot hold everybody', [...named, '--public', '--balance', '0.9'], 'usage', '--balance'],
    ['records of what is public', [...named, '--public', '--attributes', 'synthetic'], 'usage', '--public'],
    [
      'an ε for a lot that there is not',
      [...named, ...noised, '--assign-epsilon', '1'],
      'usage',
      'synthetic',
    ],
    [
      'a clip length for records',
      [...named, ...noised, '--attributes', 'synthetic', '--clip', '3'],
      'usage',
      '--clip',
    ],
    [
      'a lot that takes all',
      [...named, ...noised, '--attributes', 'synthetic', '--assign-epsilon', '8'],
      'usage',
      'too little',
    ],
    [
      'a δ that no generator takes',
      [...named, '--epsilon', '8', '--delta', '1e-12', '--attributes', 'synthetic'],
      'bad-data',
      'area north: δ must be',
    ],
    ['shares of nobody', [...named, '--public', '--shares', '0,0'], 'usage', '1,1,2'],
    [
      'a key without a node’s answer',
      [...named, '--public', '--node', 'http://127.0.0.1:1', '--keystore', 'none.json'],
      'bad-config',
      'none.json',
    ],
  ] as const)('refuses %s', async (_, args, exit, text) => {
    const out = at('refused.json');
    const found = await run(...args, '--out', out);
    expect([found.exit, found.message]).toEqual([exit, expect.stringContaining(text)]);
    if (exit !== 'bad-config') expect(existsSync(out)).toBe(false);
  });

  it('refuses a schema that is none', async () => {
    writeFileSync(at('no.schema.json'), '{"features":[]}');
    const wrong = ['--schema', at('no.schema.json'), '--out', at('refused.json')];
    const found = await run(...named, '--public', ...wrong);
    expect([found.exit, found.message]).toEqual(['bad-data', expect.stringContaining('no.schema.json')]);
  });

  it('says which command was meant', async () => {
    const { exit, message, notes } = await runProgram('pmta', 'runn');
    expect([exit, `${message}${notes}`]).toEqual(['usage', expect.stringContaining('run')]);
  });

  it('does not overwrite what is of other data, or no result at all', async () => {
    const other = writeProviders(dir, [30, 30], 'other.csv');
    await run(...named, '--public', '--out', at('first.json'));
    const args = [...common(), ...named, '--public', '--out', at('first.json')];
    const { exit, message } = await runProgram('pmta', 'run', other, ...args);
    expect([exit, message]).toEqual(['bad-data', expect.stringContaining('other data')]);
    writeFileSync(at('broken.json'), '{"version":1');
    const broken = await run(...named, '--public', '--out', at('broken.json'));
    expect([broken.exit, broken.message]).toEqual([
      'bad-config',
      expect.stringContaining('spent of the budget'),
    ]);
    expect(readFileSync(at('broken.json'), 'utf8')).toBe('{"version":1');
  });
});
