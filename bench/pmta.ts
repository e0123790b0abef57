/**
 * PMTA's figures on this system. Levels of 10,000 providers from their attributes; and what a network of 4 validators,
 * as processes on loopback, carries of task transactions of 3, 6 and 9 classes (levels) at given send rates.
 *
 * A task transaction publishes a sealed content task at its sender's level, so a block holds those of one level and leaders
 * take the levels in turn (docs/tasks.md). Every cell of classes and rate has a network of its own. Finality is from
 * acceptance by RPC to durable commit, the slowest node's.
 *
 * What a block of publications costs to judge by each protocol is measured without a network (bench/pmtaBlock.ts).
 *
 * Run: npm run bench -- pmta [--classes 3,6,9] [--rates 50,100,200,400] [--transactions 3000] [--saturation-seconds 20]
 *   [--outstanding 1000] [--providers 10000] [--only levels|noise|real|block|chain|saturation] [--profile]
 *   [--data FILE.csv --schema FILE.json [--epsilons 1,8,32]]: what privacy leaves of the levels of these providers
 *   [--only real --data FOLDER [--epsilons 1,8,32]]: likewise, of the two files with areas that docs/pmta.md reports
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { drbg, utf8ToBytes } from '../crypto/index.js';
import {
  evenWeights,
  levelsWithin,
  providerInfluence,
  ratioCutClusters,
  similarityGraph,
} from '../pmta/index.js';
import { startConsilium } from './load/consilium.js';
import { drive, type Measured } from './load/drive.js';
import { profileTable } from './load/profile.js';
import { PROBE_ACCOUNTS } from './load/sustained.js';
import { blockRows } from './pmtaBlock.js';
import { noiseRows, realRows } from './pmtaNoise.js';
import { plain, type Row } from './row.js';

const VALIDATORS = 4;
/** As many for each class and each of the load's lanes, whichever of the class counts. */
const ACCOUNTS = 288 + PROBE_ACCOUNTS;
const WARM_UP_SECONDS = 3;
const BATCH = 8;
const PROBE_EVERY_MS = 100;
/** Transactions prepared for a second without a rate: more than the network carries. */
const PREPARED_PER_SECOND = 3_000;
const LEVELS_SECONDS_MAX = 10;
const P95_MS_MAX = 1_000;
const GOAL_RATE = 400;
const PAPER = 'the paper, on Fabric 1.2: near 100 tx/s with 11 s latency at best';

interface Options {
  readonly classes: readonly number[];
  readonly rates: readonly number[];
  readonly transactions: number;
  readonly saturationSeconds: number;
  readonly outstanding: number;
  readonly providers: number;
  readonly only: string | null;
  readonly data: string | null;
  readonly schema: string | null;
  readonly epsilons: readonly number[];
  /** The first node runs under V8's sampling profiler, and its own time by area is told. */
  readonly profile: boolean;
}

export async function pmta(args: readonly string[]): Promise<readonly Row[]> {
  const options = readOptions(args);
  const { only, classes, rates } = options;
  const rows: Row[] = [];
  if (only === null || only === 'levels')
    for (const dimensions of [2, 9]) rows.push(...levelRows(options, dimensions));
  if (options.data !== null && (only === null || only === 'noise'))
    rows.push(...(await noiseRows(options.data, options.schema ?? '', options.epsilons)));
  if (options.data !== null && only === 'real')
    rows.push(...(await realRows(options.data, options.epsilons)));
  if (only === null || only === 'block') rows.push(...blockRows([1, 2], [100, 400]));
  for (const count of classes) {
    if (only === null || only === 'chain')
      for (const rate of rates) rows.push(...cellRows(count, rate, await measure(count, rate, options)));
    if (only === null || only === 'saturation')
      rows.push(...saturationRows(count, await measure(count, null, options)));
  }
  return rows;
}

/** Graph, clusters, influence and levels of providers around five centres, each part timed. */
function levelRows({ providers }: Options, dimensions: number): Row[] {
  const source = drbg(utf8ToBytes(`bench/pmta/${dimensions}`));
  const words = new DataView(source(8 * providers * dimensions).buffer);
  const unit = (at: number): number => (words.getUint32(4 * at) + 0.5) / 2 ** 32;
  const points = Float64Array.from({ length: providers * dimensions }, (_, at) => {
    const normal = Math.sqrt(-2 * Math.log(unit(2 * at))) * Math.cos(2 * Math.PI * unit(2 * at + 1));
    const [provider, dimension] = [Math.floor(at / dimensions), at % dimensions];
    return normal + 2.5 * ((provider * (dimension + 1)) % 5);
  });
  const parts: string[] = [];
  let seconds = 0;
  const timed = <T>(name: string, work: () => T): T => {
    const begun = performance.now();
    const made = work();
    const took = (performance.now() - begun) / 1_000;
    seconds += took;
    parts.push(`${name} ${took.toFixed(1)} s`);
    return made;
  };
  const seed = utf8ToBytes('bench/pmta');
  const graph = timed('graph', () => similarityGraph(points, { dimensions, neighbours: 10, sigma: 'local' }));
  const cut = timed('clusters', () => ratioCutClusters(graph, { clusters: 5, balance: 1.5, seed }));
  if (!cut.ok) throw new Error(`the eigenvectors did not converge: ${cut.residual}`);
  const influence = timed('influence', () => providerInfluence(graph, evenWeights, seed));
  timed('levels', () => levelsWithin(cut.labels, influence.values, [1, 1, 1]));
  const met = seconds < LEVELS_SECONDS_MAX;
  const name = `levels of ${providers} providers with ${dimensions} attributes`;
  return [
    { name, value: seconds, unit: 's', goal: `< ${LEVELS_SECONDS_MAX}`, met, reference: parts.join(', ') },
  ];
}

/** One network, one load. Without a rate as much as goes through with `outstanding` on their way. */
async function measure(classes: number, rate: number | null, options: Options): Promise<Measured> {
  const { transactions, saturationSeconds, outstanding } = options;
  const profileDir = options.profile ? await mkdtemp(join(tmpdir(), 'consilium-profile-')) : null;
  const seconds = rate === null ? saturationSeconds : transactions / rate;
  const prepared = Math.ceil((seconds + WARM_UP_SECONDS + 2) * (rate ?? PREPARED_PER_SECOND));
  const system = await startConsilium({ validators: VALIDATORS, accounts: ACCOUNTS, profileDir });
  let window = { fromMs: 0, toMs: 0 };
  try {
    const shape = {
      kind: 'sustained',
      // A rate is what is sent, whatever is committed: more than all of it may be on the way.
      outstanding: rate === null ? outstanding : prepared,
      rate,
      batch: BATCH,
      transactions: prepared,
      probeEveryMs: PROBE_EVERY_MS,
    } as const;
    const job = { accounts: ACCOUNTS, classes, shape };
    const measured = await drive(system, job, { warmUpSeconds: WARM_UP_SECONDS, seconds });
    const { load, ...rest } = measured;
    window = measured;
    const { finalityMs, ...told } = load;
    process.stderr.write(
      `${classes} classes, ${rate ?? 'saturated'}: ${JSON.stringify({ ...rest, load: told })}\n`,
    );
    return measured;
  } finally {
    await system.close();
    if (profileDir !== null)
      process.stderr.write(`${profileTable(profileDir, window.fromMs, window.toMs)}\n(${profileDir})\n`);
  }
}

function cellRows(classes: number, rate: number, measured: Measured): Row[] {
  const name = `${classes} classes, ${rate} tx/s sent`;
  const committed = measured.transactions / measured.seconds;
  const { p50, p95 } = measured.finality!;
  // What is sent in a window and what is committed in it differ by what is on its way at its ends.
  const isAll = committed >= 0.98 * rate;
  const [toCommit, toWait] = [`${name}: committed`, `${name}: latency p95`];
  const isGoal = rate === GOAL_RATE;
  return [
    isGoal
      ? goal(toCommit, committed, 'tx/s', [`${rate} (98 %)`, isAll])
      : plain(toCommit, committed, 'tx/s', PAPER),
    plain(`${name}: latency p50`, p50, 'ms'),
    isGoal ? goal(toWait, p95, 'ms', [`< ${P95_MS_MAX}`, p95 < P95_MS_MAX]) : plain(toWait, p95, 'ms', PAPER),
    ...costRows(name, measured),
  ];
}

function saturationRows(classes: number, measured: Measured): Row[] {
  const name = `${classes} classes, saturated`;
  const { p50, p95 } = measured.finality!;
  return [
    plain(`${name}: committed`, measured.transactions / measured.seconds, 'tx/s', PAPER),
    plain(`${name}: latency p50`, p50, 'ms'),
    plain(`${name}: latency p95`, p95, 'ms'),
    ...costRows(name, measured),
  ];
}

function costRows(name: string, { cpu, seconds, transactions, blocks }: Measured): Row[] {
  const nodes = cpu.filter((each) => each.name !== 'load');
  const shares = nodes.map((each) => (100 * each.seconds) / seconds);
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  const each = shares.map((share) => `${share.toFixed(0)} %`).join(', ');
  return [
    plain(`${name}: CPU of a node`, mean, '% of a core', each),
    plain(
      `${name}: blocks`,
      blocks / seconds,
      'a second',
      `${(transactions / blocks).toFixed(1)} transactions each`,
    ),
  ];
}

function goal(name: string, value: number, unit: string, [target, met]: readonly [string, boolean]): Row {
  return { name, value, unit, goal: target, met, reference: PAPER };
}

function readOptions(args: readonly string[]): Options {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      classes: text('3,6,9'),
      rates: text('50,100,200,400'),
      transactions: text('3000'),
      'saturation-seconds': text('20'),
      outstanding: text('1000'),
      providers: text('10000'),
      only: { type: 'string' },
      data: { type: 'string' },
      schema: { type: 'string' },
      epsilons: text('1,8,32'),
      profile: { type: 'boolean', default: false },
    },
  });
  return {
    classes: values.classes.split(',').map(Number),
    rates: values.rates.split(',').map(Number),
    transactions: Number(values.transactions),
    saturationSeconds: Number(values['saturation-seconds']),
    outstanding: Number(values.outstanding),
    providers: Number(values.providers),
    only: values.only ?? null,
    data: values.data ?? null,
    schema: values.schema ?? null,
    epsilons: values.epsilons.split(',').map(Number),
    profile: values.profile,
  };
}
