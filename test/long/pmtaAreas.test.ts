import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bytesToHex, sha256, utf8ToBytes } from '../../crypto/index.js';
import { decodeWeights, initialWeights, type ModelSpec, parameterCount } from '../../fl/index.js';
import { base64ToBytes } from '../../node/rpc/index.js';
import {
  type AreaLog,
  allocateArea,
  createRandom,
  defaultDqn,
  FEATURE_MOST,
  featureNames,
  labelledRows,
  sizesInProportion,
  type Weights,
} from '../../pmta/index.js';
import { plantedReports } from '../support/leaks.js';
import { closedRounds, type Hospitals, PATIENCE_MS, provisionHospitals } from '../support/processes.js';

const AREAS = 5;
const PROVIDERS = 40;
const LEAKING = 10;
const SHARES = [1, 1, 1];
const ROUNDS = 10;
/** γ: what the target network says counts in the second task. */
const DISCOUNT = 0.5;
const hidden = defaultDqn.hidden;
const model: ModelSpec = {
  inputs: featureNames.length,
  layers: [
    ...hidden.map((units) => ({ kind: 'dense', units, activation: 'relu' }) as const),
    { kind: 'dense', units: 1, activation: 'linear' },
  ],
};

/** What an area knows: the last ten of its providers leak. */
function logOf(name: string): AreaLog {
  const pieces = plantedReports(name, String, { providers: PROVIDERS, leaking: LEAKING }).map(
    ({ window, readers, reported }) => ({
      window,
      readers: readers.map(Number),
      named: reported.map(Number),
    }),
  );
  const clusters = Array.from({ length: PROVIDERS }, (_, at) => at % 2);
  return { area: { clusters, sizes: sizesInProportion(PROVIDERS, SHARES), readers: 3 }, pieces };
}

const logs = Array.from({ length: AREAS }, (_, at) => logOf(`area ${at}`));
const apart = logOf('an area that takes no part');

function allocate({ area, pieces }: AreaLog, network: Weights) {
  const options = { shares: SHARES, readers: 3, dqn: defaultDqn, network, seed: new Uint8Array() };
  return allocateArea({ clusters: area.clusters, pieces }, options);
}

/** How many of those who leak are in the last class, which has places for all of them. */
function leftOver(log: AreaLog, network: Weights): number {
  const { classes } = allocate(log, network);
  return classes.subarray(PROVIDERS - LEAKING).filter((own) => own === SHARES.length).length;
}

/** Initial weights that put those who leak elsewhere: what the tasks end with has been learned. */
function badSeed(): Uint8Array {
  for (let at = 0; ; at++) {
    const seed = sha256(utf8ToBytes(`weights ${at}`));
    if (leftOver(apart, Float64Array.from(initialWeights(model, seed))) <= LEAKING / 2) return seed;
  }
}

/** Of one task: devices take part in the task whose label is that of their data. */
const schemaOf = (label: string) => ({
  about: 'Steps of an allocation: docs/pmta.md.',
  label: { name: label, positive: '1', negative: '0' },
  features: featureNames.map((name) => ({
    name,
    center: 0,
    scale: 1,
    min: -FEATURE_MOST,
    max: FEATURE_MOST,
    source: 'pmta/dqn/environment.ts',
  })),
});

/** An area's replay buffer as its device's data: public, since it is about no patient. */
function writeRows(folder: string, label: string, log: AreaLog, target: Weights | null): void {
  const random = createRandom(utf8ToBytes(`rows ${label} ${basename(folder)}`));
  const { x, y } = labelledRows(log, hidden, target, target === null ? 0 : DISCOUNT, random);
  const width = featureNames.length;
  const lines = Array.from(y, (own, at) => [...x.subarray(at * width, (at + 1) * width), own].join(','));
  writeFileSync(join(folder, 'data.csv'), `${[[...featureNames, label].join(','), ...lines].join('\n')}\n`);
  writeFileSync(join(folder, 'schema.json'), JSON.stringify(schemaOf(label)));
  const config = JSON.parse(readFileSync(join(folder, 'device.json'), 'utf8'));
  writeFileSync(
    join(folder, 'device.json'),
    JSON.stringify({ ...config, data: 'data.csv', schema: 'schema.json', epsilonMicro: 0, deltaPico: 0 }),
  );
}

/** Folders of the devices that wait for the second task. */
let aside: string;
let hospitals: Hospitals;
beforeAll(async () => {
  aside = mkdtempSync(join(tmpdir(), 'consilium-areas-'));
  hospitals = await provisionHospitals(4, 3, { heartbeatMs: 500 });
  for (const [at, folder] of foldersOf(0).entries()) writeRows(folder, 'lost', logs[at]!, null);
  for (const folder of foldersOf(1)) renameSync(folder, join(aside, basename(folder)));
  await hospitals.start();
}, 2 * PATIENCE_MS);
afterAll(async () => {
  await hospitals?.close();
  rmSync(aside, { recursive: true, force: true });
});

/** The areas' devices of the first or the second task. */
function foldersOf(task: 0 | 1): readonly string[] {
  const { dir, file } = hospitals.network;
  return file.devices.slice(task * AREAS, (task + 1) * AREAS).map(({ folder }) => join(dir, folder));
}

/** Publishes an ordinary task without noise, and gives the model that it ends with. */
async function trained(label: string, weightsSeed: Uint8Array): Promise<Weights> {
  const task = await hospitals.publish({
    title: 'the Q-network of five areas',
    level: 1,
    model: { inputs: model.inputs, layers: [...model.layers] },
    weightsSeed: bytesToHex(weightsSeed),
    schema: schemaOf(label),
    publicData: true,
    learningRate: 1,
    clip: 8,
    rounds: ROUNDS,
    privacy: null,
    verification: 'none',
    faulty: 0,
    devices: AREAS,
    quorum: AREAS,
    deadlineMs: 30_000,
  });
  const [client] = hospitals.clients;
  const [last] = await closedRounds(client!, task, ROUNDS);
  expect(last).toMatchObject({ round: ROUNDS, status: 'closed' });
  expect(last!.verdicts).toHaveLength(AREAS);
  const { bytes } = await client!.call('model.get', { task });
  return Float64Array.from(decodeWeights(base64ToBytes(bytes)!, parameterCount(model))!);
}

it('five areas train one Q-network in ordinary tasks, each with the target network of the one before', async () => {
  const weightsSeed = badSeed();
  const first = await trained('lost', weightsSeed);
  const waiting = foldersOf(1);
  for (const [at, folder] of waiting.entries()) {
    const from = join(aside, basename(folder));
    writeRows(from, 'lost-later', logs[at]!, first);
    renameSync(from, folder);
  }
  const second = await trained('lost-later', weightsSeed);
  expect(second).not.toEqual(first);
  for (const network of [first, second])
    for (const log of [...logs, apart]) {
      expect(leftOver(log, network)).toBeGreaterThanOrEqual(LEAKING - 2);
      const { share } = allocate(log, network);
      expect(share.gated).toBeLessThan(0.85 * share.pool);
    }
});
