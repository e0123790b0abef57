import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initialWeights, parameterCount } from '../../../../fl/index.js';
import { readTaskFile, taskSpecOf } from '../../../../node/cli/taskFile.js';
import { encodeReports, parseQNetwork, Q_NETWORK_BYTES_MAX, qModel } from '../../../../node/pmta/index.js';
import { defaultDqn, modelOf, shapeOf } from '../../../../pmta/index.js';
import { plantedReports } from '../../../support/leaks.js';
import { writeProviders } from '../../../support/pmta.js';
import { learnedFrom, tensorFile } from '../../../support/qNetwork.js';
import { runProgram } from '../../../support/runProgram.js';

const LEAKING = 10;
let dir: string;
let data: string;
const at = (name: string) => join(dir, name);
const nameOf = (from: number) => (index: number) => `provider-${index + from + 1}`;
const planted = (area: 'north' | 'south', seed: string) =>
  area === 'north'
    ? plantedReports('north', nameOf(0), { providers: 60, leaking: LEAKING, seed })
    : plantedReports('south', nameOf(60), { providers: 40, leaking: LEAKING, seed });
const noised = ['--epsilon', '8', '--delta', '1e-5'];
const run = (...args: string[]) => {
  const columns = ['--schema', at('schema.json'), '--area-column', 'ward', '--provider', 'who'];
  return runProgram('pmta', 'run', data, ...columns, '--clusters', '3', '--shares', '1,1,1', ...args);
};
const rows = (file: string, ...args: string[]) => runProgram('pmta', 'rows', at(file), ...args);
const of = (reports: string, area: string, out: string) => [
  ...['--reports', at(reports), '--area', area, '--out', at(out)],
];
const text = (name: string) => readFileSync(at(name), 'utf8');

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'consilium-pmta-rows-'));
  data = writeProviders(dir, [60, 40]);
  for (const seed of ['one', 'other'])
    writeFileSync(at(`${seed}.json`), encodeReports([...planted('north', seed), ...planted('south', seed)]));
  writeFileSync(
    at('q.safetensors'),
    tensorFile(learnedFrom(planted('north', 'past'), 'north', 60, nameOf(0))),
  );
  const later = learnedFrom(planted('north', 'later'), 'north', 60, nameOf(0));
  writeFileSync(at('later.safetensors'), tensorFile(later, { task: '2' }));
  const narrow = modelOf(shapeOf([4]));
  writeFileSync(at('narrow.safetensors'), tensorFile(initialWeights(narrow, new Uint8Array(32)), {}, narrow));
  writeFileSync(at('large.safetensors'), new Uint8Array(Q_NETWORK_BYTES_MAX + 1));
  writeFileSync(at('model.json'), '{"format":"layers-model"}');
  await run('--public', '--out', at('levels.json'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

describe('pmta rows', () => {
  it('writes what a device takes and what is published, the same schema and task in every area', async () => {
    const north = await rows('levels.json', ...of('one.json', 'north', 'north'), '--json');
    expect([north.exit, north.message]).toEqual(['ok', '']);
    const told = JSON.parse(north.out);
    expect(told).toMatchObject({ area: 'north', rows: 360, label: 'lost', target: null });
    expect(told.lost).toBeGreaterThan(0);
    const south = await rows('levels.json', ...of('one.json', 'south', 'south'));
    expect(south.exit).toBe('ok');
    expect(south.out).toContain(told.schemaHash);
    expect(south.out).toContain('240, of which');
    for (const name of ['schema.json', 'task.json'])
      expect(text(`south/${name}`)).toBe(text(`north/${name}`));
    const check = await runProgram(
      'data',
      'check',
      at('north/data.csv'),
      '--schema',
      at('north/schema.json'),
    );
    expect([check.exit, check.out]).toEqual(['ok', expect.stringContaining('360')]);
    expect(taskSpecOf(readTaskFile(at('north/task.json')))).toMatchObject({ model: qModel, devicesMax: 5 });
    await rows('levels.json', ...of('one.json', 'north', 'again'));
    expect(text('again/data.csv')).toBe(text('north/data.csv'));
    const seeded = [...of('one.json', 'north', 'seeded'), '--seed', 'other', '--areas', '9'];
    await rows('levels.json', ...seeded);
    const spec = taskSpecOf(readTaskFile(at('seeded/task.json')));
    expect(spec.devicesMax).toBe(9);
    expect(spec.weightsSeed).not.toEqual(taskSpecOf(readTaskFile(at('north/task.json'))).weightsSeed);
    expect(text('seeded/data.csv')).not.toBe(text('north/data.csv'));
  });

  it('labels those of a later task by the network that the task before ended with, and says so', async () => {
    const args = [...of('one.json', 'north', 'second'), '--q-network', at('q.safetensors'), '--json'];
    const told = JSON.parse((await rows('levels.json', ...args)).out);
    const { model } = parseQNetwork('q', readFileSync(at('q.safetensors')));
    expect(told).toMatchObject({ rows: 360, target: model, label: `lost-after-${model.slice(0, 16)}` });
    expect(text('second/data.csv').split('\n')[0]).toContain(`,${told.label}`);
    expect(text('second/task.json')).toContain(`after model ${model.slice(0, 16)}`);
    const other = [...of('one.json', 'north', 'third'), '--q-network', at('later.safetensors'), '--json'];
    expect(JSON.parse((await rows('levels.json', ...other)).out).schemaHash).not.toBe(told.schemaHash);
  });

  it('refuses what gives no rows, and writes nothing', async () => {
    await run(...noised, '--attributes', 'synthetic', '--out', at('synthetic.json'));
    await run('--public', '--shares', '1', '--area', 'north', '--out', at('flat.json'));
    const early = planted('north', 'one').map((piece) => ({ ...piece, window: 0 }));
    writeFileSync(at('early.json'), encodeReports(early));
    const to = (reports = 'one.json', area = 'north') => of(reports, area, 'refused');
    const cases: [string, string[], string, string][] = [
      ['nowhere.json', to(), 'bad-data', 'there is no'],
      ['one.json', to(), 'bad-config', 'no result of "pmta run"'],
      ['levels.json', to('one.json', 'west'), 'bad-data', 'it has north, south'],
      ['synthetic.json', to(), 'bad-data', 'tell no provider’s cluster'],
      ['levels.json', to('early.json'), 'bad-data', 'two or more'],
      ['flat.json', to(), 'bad-data', 'would not train on the rows of area north'],
      ['levels.json', [...to(), '--q-network', at('narrow.safetensors')], 'bad-data', 'no Q-network'],
      ['levels.json', [...to(), '--q-network', at('none.safetensors')], 'bad-data', 'none.safetensors'],
      ['levels.json', of('one.json', 'north', 'levels.json'), 'bad-folder', 'not empty'],
      // Said before anything is read or computed.
      ['nowhere.json', of('none.json', 'north', 'no/where'), 'usage', 'cannot be written'],
    ];
    for (const [file, args, exit, said] of cases) {
      const found = await rows(file, ...args);
      expect([args, found.exit, found.message]).toEqual([args, exit, expect.stringContaining(said)]);
      expect(existsSync(at('refused'))).toBe(false);
    }
    await rows('levels.json', ...to());
    const before = readFileSync(at('refused/data.csv'), 'utf8');
    const again = await rows('levels.json', ...to('other.json'));
    expect([again.exit, again.hint]).toEqual(['bad-folder', 'choose another folder']);
    expect(text('refused/data.csv')).toBe(before);
    expect(readdirSync(dir).filter((name) => name.includes('.part-'))).toEqual([]);
  });
});

describe('pmta run with a Q-network', () => {
  const kept = (name: string) => JSON.parse(text(name));
  const hashOf = (name: string) =>
    createHash('sha256')
      .update(readFileSync(at(name)))
      .digest('hex');
  interface KeptArea {
    readonly providers: readonly { name: string; level: number }[];
    readonly allocation: { readonly network: unknown; readonly seed: unknown };
  }
  const levelsIn = (result: { areas: KeptArea[] }) =>
    result.areas.map(({ providers }) => providers.map(({ level }) => level));

  it('makes levels by it alone, in areas that it never saw, and says whose they are', async () => {
    const args = ['--public', '--reports', at('one.json'), '--q-network', at('q.safetensors')];
    const { exit, out } = await run(...args, '--out', at('by.json'));
    expect([exit, out]).toEqual(['ok', expect.stringContaining(`Q-network ${hashOf('q.safetensors')}`)]);
    const result = kept('by.json');
    expect(result).toMatchObject({ qNetwork: hashOf('q.safetensors'), reports: hashOf('one.json') });
    for (const [index, from] of [0, 60].entries()) {
      const { providers, allocation } = result.areas[index];
      expect([allocation.network, allocation.seed]).toEqual([null, null]);
      const size = from === 0 ? 60 : 40;
      const leaking = Array.from({ length: LEAKING }, (_, leak) => nameOf(from)(size - LEAKING + leak));
      const lowest = leaking.filter(
        (one) => providers.find(({ name }: { name: string }) => name === one).level === 1,
      );
      expect(lowest.length).toBeGreaterThanOrEqual(LEAKING - 2);
      expect(allocation.share.gated).toBeLessThan(allocation.share.pool);
    }
  });

  it('keeps the levels of one network apart from those of another, of none, and of other reports', async () => {
    const out = ['--out', at('apart.json')];
    const by = (reports: string, network: string | null) =>
      run(
        ...noised,
        ...['--reports', at(reports)],
        ...(network === null ? [] : ['--q-network', at(network)]),
        ...out,
      );
    await run(...noised, ...out);
    const plain = kept('apart.json');
    expect(plain.qNetwork).toBeNull();
    const ways = [
      ['one.json', null],
      ['one.json', 'q.safetensors'],
      ['one.json', 'later.safetensors'],
      ['other.json', 'later.safetensors'],
    ] as const;
    const results = [];
    for (const [reports, network] of ways) {
      const { exit, notes } = await by(reports, network);
      expect([exit, notes]).toEqual(['ok', expect.stringContaining('nothing is charged')]);
      expect(notes).not.toContain('nothing is computed anew');
      const result = kept('apart.json');
      expect(result).toMatchObject({ key: plain.key, spent: plain.spent, reports: hashOf(reports) });
      expect(result.qNetwork).toBe(network === null ? null : hashOf(network));
      for (const { allocation } of result.areas)
        expect(allocation.network).toEqual(network === null ? defaultDqn : null);
      expect((await by(reports, network)).notes).toContain('nothing is computed anew');
      expect(kept('apart.json')).toEqual(result);
      results.push(result);
    }
    expect(new Set(results.map((result) => JSON.stringify(levelsIn(result)))).size).toBe(ways.length);
    expect((await by('other.json', null)).notes).toContain('another Q-network');
    await by('one.json', 'q.safetensors');
    expect(kept('apart.json')).toEqual(results[1]);
    await run(...noised, ...out);
    expect(kept('apart.json')).toEqual(plain);
    // A file from before there were networks says nothing of one.
    await by('one.json', null);
    const { qNetwork, ...older } = kept('apart.json');
    writeFileSync(at('apart.json'), JSON.stringify(older));
    expect((await by('one.json', null)).notes).toContain('nothing is computed anew');
    await by('one.json', 'q.safetensors');
    expect(kept('apart.json')).toEqual(results[1]);
  });

  it('is refused without reports, and by files that hold no such network, before anything is charged', async () => {
    writeFileSync(
      at('nan.safetensors'),
      tensorFile(new Float32Array(parameterCount(qModel)).fill(Number.NaN)),
    );
    const cases: [string[], string, string][] = [
      [['--q-network', at('q.safetensors')], 'usage', '--reports'],
      ...(
        [
          ['narrow.safetensors', 'no Q-network'],
          ['nan.safetensors', 'no finite number'],
          ['model.json', '--format safetensors'],
          ['large.safetensors', `at most ${Q_NETWORK_BYTES_MAX}`],
          ['none.safetensors', 'cannot be read'],
          ['.', 'is a folder'],
        ] as const
      ).map(([name, said]): [string[], string, string] => [
        ['--reports', at('one.json'), '--q-network', at(name)],
        'bad-data',
        said,
      ]),
    ];
    for (const [args, exit, said] of cases) {
      const found = await run(...noised, ...args, '--out', at('refused.levels.json'));
      expect([args, found.exit, found.message]).toEqual([args, exit, expect.stringContaining(said)]);
      expect(existsSync(at('refused.levels.json'))).toBe(false);
    }
  });
});
