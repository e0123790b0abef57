import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { utf8ToBytes } from '../../crypto/index.js';
import { initialWeights } from '../../fl/index.js';
import {
  encodeReports,
  levelsByReports,
  type PmtaResult,
  parseReports,
  piecesOf,
  qModel,
} from '../../node/pmta/index.js';
import { seedFor } from '../../node/provision/index.js';
import { createRandom, type Weights } from '../../pmta/index.js';
import { plantedReports } from '../support/leaks.js';
import {
  closedRounds,
  type Hospitals,
  level,
  PATIENCE_MS,
  provisionHospitals,
} from '../support/processes.js';
import { runCommand } from '../support/runCommand.js';

const AREAS = 5;
const PROVIDERS = 40;
const LEAKING = 10;
/** As `pmta rows` writes the task. */
const ROUNDS = 20;
const areas = Array.from({ length: AREAS }, (_, index) => `area-${index + 1}`);
/** One that takes no part. */
const APART = 'area-apart';
const nameOf = (area: string) => (index: number) => `${area}-provider-${index + 1}`;
/** The last ten of each area's providers leak. */
const planted = [...areas, APART].flatMap((area) =>
  plantedReports(area, nameOf(area), { providers: PROVIDERS, leaking: LEAKING }),
);

/** The hospitals' own files. */
let own: string;
/** Folders of the devices that wait for the second task. */
let aside: string;
let hospitals: Hospitals;
beforeAll(async () => {
  own = mkdtempSync(join(tmpdir(), 'consilium-areas-'));
  aside = at('aside');
  mkdirSync(aside);
  writeFileSync(at('reports.json'), encodeReports(planted));
  writeProviders();
  await command('pmta', 'run', ...ofProviders('levels.json'));
  hospitals = await provisionHospitals(4, 3, { heartbeatMs: 500 });
  for (const folder of foldersOf(1)) renameSync(folder, join(aside, basename(folder)));
}, 2 * PATIENCE_MS);
afterAll(async () => {
  await hospitals?.close();
  rmSync(own, { recursive: true, force: true });
});

const at = (name: string) => join(own, name);

/** What a command prints; it must end well. */
async function command(...args: readonly string[]): Promise<string> {
  const { out, errors, code } = await runCommand(...args);
  expect([args, code, code === 0 ? '' : errors]).toEqual([args, 0, '']);
  return out;
}

/** Attributes that say nothing of who leaks, but for two groups. */
function writeProviders(): void {
  const random = createRandom(utf8ToBytes('providers'));
  const lines = [...areas, APART].flatMap((area) =>
    Array.from({ length: PROVIDERS }, (_, index) => {
      const [hours, beds] = [random.normal() + 4 * (index % 2), random.normal()];
      return `${hours.toFixed(3)},${beds.toFixed(3)},${index % 2},${area},${nameOf(area)(index)}`;
    }),
  );
  writeFileSync(at('providers.csv'), `${['hours,beds,open,area,who', ...lines].join('\n')}\n`);
  const features = ['hours', 'beds'].map((name) => ({
    name,
    ...{ center: 0, scale: 1, min: -20, max: 20, source: 'test' },
  }));
  const label = { name: 'open', positive: '1', negative: '0' };
  writeFileSync(at('schema.json'), JSON.stringify({ label, site: 'area', features }));
}

const ofProviders = (out: string) => [
  ...[at('providers.csv'), '--schema', at('schema.json'), '--provider', 'who', '--public'],
  ...['--clusters', '2', '--shares', '1,1,1', '--out', at(out)],
];
const resultIn = (name: string): PmtaResult => JSON.parse(readFileSync(at(name), 'utf8'));

/** How many of an area's leaking providers have level 1, which has places for all of them. */
function leftOver(levels: ArrayLike<number>): number {
  return Array.from(levels)
    .slice(PROVIDERS - LEAKING)
    .filter((one) => one === 1).length;
}

/** A seed of initial weights that put those who leak elsewhere: what the tasks end with has been learned. */
function badSeed(): string {
  const { providers } = resultIn('levels.json').areas.find(({ area }) => area === APART)!;
  const names = providers.map(({ name }) => name);
  const pieces = piecesOf(parseReports('planted', JSON.stringify(planted)), {
    name: APART,
    providers: names,
  });
  const area = { name: APART, clusters: providers.map(({ cluster }) => cluster!) };
  for (let index = 0; ; index++) {
    const seed = `weights ${index}`;
    const network: Weights = Float64Array.from(initialWeights(qModel, seedFor('weights', seed)));
    const { levels } = levelsByReports(area, { pieces, network }, { shares: [1, 1, 1], seed });
    if (leftOver(levels) <= LEAKING / 2) return seed;
  }
}

/** The areas' devices of the first or the second task. */
function foldersOf(task: 0 | 1): readonly string[] {
  const { dir, file } = hospitals.network;
  return file.devices.slice(task * AREAS, (task + 1) * AREAS).map(({ folder }) => join(dir, folder));
}

/** What each area's operator does for a task: its rows for its device, which is told of them. Gives the task's file. */
async function makeRows(folders: readonly string[], ...options: readonly string[]): Promise<string> {
  for (const [index, folder] of folders.entries()) {
    const of = ['--reports', at('reports.json'), '--area', areas[index]!, '--out', join(folder, 'rows')];
    await command('pmta', 'rows', at('levels.json'), ...of, ...options);
    const file = join(folder, 'device.json');
    const rows = { data: 'rows/data.csv', schema: 'rows/schema.json', epsilonMicro: 0, deltaPico: 0 };
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...rows }));
  }
  return readFileSync(join(folders[0]!, 'rows', 'task.json'), 'utf8');
}

/** Publishes the task of a folder's rows as it was written, and exports the model that it ends with. */
async function trained(rows: string, to: string): Promise<string> {
  const { network, clients } = hospitals;
  const published = ['task', 'publish', join(rows, 'task.json'), '--network', network.dir, '--json'];
  const { task } = JSON.parse(await command(...published));
  await level(clients);
  const [client] = clients;
  const closed = await closedRounds(client!, task, ROUNDS, 2 * PATIENCE_MS);
  expect(closed[0]).toMatchObject({ round: ROUNDS, status: 'closed' });
  expect(closed[0]!.verdicts).toHaveLength(AREAS);
  const asked = [String(task), '--format', 'safetensors', '--to', at(to), '--node', client!.url];
  await command('model', 'export', ...asked);
  return join(at(to), 'model.safetensors');
}

/** Levels of all areas by a network, in a result that says which. */
async function levelsBy(network: string): Promise<void> {
  const by = ['--reports', at('reports.json'), '--q-network', network];
  await command('pmta', 'run', ...ofProviders('levels.json'), ...by);
  const result = resultIn('levels.json');
  const card = JSON.parse(readFileSync(join(network, '..', 'card.json'), 'utf8'));
  expect(result.qNetwork).toBe(
    card.files.find(({ name }: { name: string }) => name === 'model.safetensors').sha256,
  );
  expect(result.areas.map(({ area }) => area)).toEqual([...areas, APART]);
  for (const { area, providers, allocation } of result.areas) {
    const levels = providers.map(({ level: one }) => one);
    expect(leftOver(levels), area).toBeGreaterThanOrEqual(LEAKING - 2);
    expect(allocation).toMatchObject({ network: null, seed: null });
    expect(allocation!.share.gated).toBeLessThan(0.85 * allocation!.share.pool);
  }
}

it(
  'five areas train one Q-network in ordinary tasks, each with the target network of the one before',
  async () => {
    const seed = ['--seed', badSeed()];
    const waiting = foldersOf(1).map((folder) => join(aside, basename(folder)));
    const first = await makeRows(foldersOf(0), ...seed);
    await hospitals.start();
    const network = await trained(join(foldersOf(0)[0]!, 'rows'), 'first');
    const second = await makeRows(waiting, ...seed, '--q-network', network);
    expect(second).not.toBe(first);
    for (const [index, folder] of foldersOf(1).entries()) renameSync(waiting[index]!, folder);
    const later = await trained(join(foldersOf(1)[0]!, 'rows'), 'second');
    expect(readFileSync(later)).not.toEqual(readFileSync(network));
    await levelsBy(network);
    await levelsBy(later);
  },
  4 * PATIENCE_MS,
);
