/**
 * What agreement carries: 4 validators as processes on loopback, transactions of 300 bytes, beside CometBFT with
 * its built-in kvstore under the same load on the same machine.
 *
 * Two shapes. Sustained: as many transactions a second as go through with at most `--outstanding` on their way.
 * Light: one at a time. Finality is from acceptance by RPC to durable commit as the nodes' metrics have it; beside
 * it, for both systems alike, what a client sees from sending to hearing of the commit.
 *
 * Run: npm run bench -- consensus [--seconds 60] [--outstanding 1500] [--rate R] [--light 100] [--batch 32]
 *   [--prepare 3000] [--only light|sustained] [--no-peer] [--profile]. The load signs everything beforehand, `--prepare`
 *   for each second.
 */
import { mkdtemp } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { heightTime } from '../test/sim/heightTime.js';
import { startConsilium } from './load/consilium.js';
import { drive, type Measured } from './load/drive.js';
import { profileTable } from './load/profile.js';
import { PROBE_ACCOUNTS } from './load/sustained.js';
import type { System } from './load/system.js';
import { buildComet, type CometVariant, shipped, startComet, tuned } from './peers/cometbft.js';
import { plain, quantile, type Row } from './row.js';

const VALIDATORS = 4;
/** Enough that no account has more than 64 nonces on their way, which is what a mempool takes of one. */
const ACCOUNTS = 256 + PROBE_ACCOUNTS;
const WARM_UP_SECONDS = 5;
const PROBE_EVERY_MS = 100;
const LIGHT_EVERY_MS = 200;

interface Options {
  readonly seconds: number;
  readonly outstanding: number;
  readonly rate: number | null;
  readonly batch: number;
  readonly light: number;
  readonly prepare: number;
  readonly only: string | null;
  readonly peer: boolean;
  readonly profile: boolean;
}

export async function consensus(args: readonly string[]): Promise<readonly Row[]> {
  const options = readOptions(args);
  const profileDir = options.profile ? await mkdtemp(join(tmpdir(), 'consilium-profile-')) : null;
  const profiled = options.only ?? 'sustained';
  const ours = await measure(
    (shape) =>
      startConsilium({
        validators: VALIDATORS,
        accounts: ACCOUNTS,
        profileDir: shape === profiled ? profileDir : null,
      }),
    options,
  );
  const measured = profiled === 'light' ? ours.light : ours.sustained;
  if (profileDir !== null && measured !== null) {
    const { fromMs, toMs } = measured;
    process.stderr.write(`${profileTable(profileDir, fromMs, toMs)}\n(${profileDir})\n`);
  }
  const rows = [...ownRows(ours), ...linkRows()];
  if (!options.peer) return rows;
  const built = await buildComet();
  if ('missing' in built) {
    process.stderr.write(`CometBFT is skipped: ${built.missing}\n`);
    return rows;
  }
  for (const variant of [tuned, shipped]) {
    const peer = await measure(() => startComet(built.program, variant, VALIDATORS), options);
    rows.push(...peerRows(ours, peer, variant));
  }
  return rows;
}

const LINKED = { members: 20, linkMs: 50 } as const;
const HEIGHT_DELAYS_MAX = 4;

/** What the rules cost in delays alone, simulated: machines without work, links of a country's length. */
function linkRows(): readonly Row[] {
  const { p50Delays, p95Delays } = heightTime(LINKED);
  const name = `height time of ${LINKED.members} simulated validators, ${LINKED.linkMs} ms links`;
  const reference = 'three delays: proposal, soft, cert';
  return [
    {
      name: `${name}, p50`,
      value: p50Delays,
      unit: 'link delays',
      goal: `<= ${HEIGHT_DELAYS_MAX}`,
      met: p50Delays <= HEIGHT_DELAYS_MAX,
      reference,
    },
    { name: `${name}, p95`, value: p95Delays, unit: 'link delays', goal: null, met: null, reference },
  ];
}

interface Pair {
  readonly light: Measured | null;
  readonly sustained: Measured | null;
}

/** Both shapes, each on a network of its own, so that neither finds the other's state. */
async function measure(start: (shape: string) => Promise<System>, options: Options): Promise<Pair> {
  const { outstanding, rate, batch, seconds, prepare } = options;
  const light = { kind: 'light', account: 0, everyMs: LIGHT_EVERY_MS, count: options.light } as const;
  const transactions = Math.ceil((seconds + WARM_UP_SECONDS) * (rate ?? prepare));
  const probeEveryMs = PROBE_EVERY_MS;
  const sustained = { kind: 'sustained', outstanding, rate, batch, transactions, probeEveryMs } as const;
  const one = async (shape: typeof light | typeof sustained, window: Parameters<typeof drive>[2]) => {
    if ((options.only ?? shape.kind) !== shape.kind) return null;
    const system = await start(shape.kind);
    try {
      const measured = await drive(system, { accounts: ACCOUNTS, classes: 0, shape }, window);
      tellRun(system, shape.kind, measured);
      return measured;
    } finally {
      await system.close();
    }
  };
  return {
    light: await one(light, null),
    sustained: await one(sustained, { warmUpSeconds: WARM_UP_SECONDS, seconds }),
  };
}

function tellRun({ name }: System, shape: string, { load, ...measured }: Measured): void {
  const { finalityMs, ...rest } = load;
  process.stderr.write(
    `${name}, ${shape}: ${JSON.stringify({ ...measured, loadAverage: loadavg()[0], load: { ...rest, probes: finalityMs.length } })}\n`,
  );
  if (load.ranDry) process.stderr.write('the prepared transactions ran out: raise --prepare\n');
}

function ownRows({ light, sustained }: Pair): Row[] {
  const rows: Row[] = [];
  if (sustained !== null) {
    const rate = sustained.transactions / sustained.seconds;
    const { p50, p95 } = sustained.finality!;
    rows.push(
      goal('committed, sustained', rate, 'tx/s', '>= 1500', rate >= 1_500),
      plain('transaction', sustained.transactionBytes, 'bytes'),
      goal('finality p95, sustained', p95, 'ms', '< 1500', p95 < 1_500),
      plain('finality p50, sustained', p50, 'ms'),
      ...clientRows('sustained', sustained),
      ...costRows(sustained),
    );
  }
  if (light !== null) {
    const { p50, p95 } = light.finality!;
    rows.push(
      goal('finality p50, light load', p50, 'ms', '<= 150', p50 <= 150),
      plain('finality p95, light load', p95, 'ms'),
      ...clientRows('light load', light),
    );
  }
  return rows;
}

function clientRows(shape: string, { load }: Measured): Row[] {
  const note = `${load.finalityMs.length} probes`;
  return [0.5, 0.95].map((q) =>
    plain(`client sees commit p${q * 100}, ${shape}`, quantile(load.finalityMs, q), 'ms', note),
  );
}

function costRows({ cpu, transactions, blocks, seconds }: Measured): Row[] {
  const nodes = cpu.filter(({ name }) => name !== 'load');
  const mean = nodes.reduce((sum, each) => sum + each.seconds, 0) / nodes.length;
  const split = cpu.map((each) => `${each.name} ${((100 * each.seconds) / seconds).toFixed(0)} %`).join(', ');
  return [
    plain('transactions a block', transactions / blocks, ''),
    plain('blocks', blocks / seconds, 'a second'),
    plain('CPU a transaction and node', (1e6 * mean) / transactions, 'µs', split),
    plain('CPU a block and node', (1_000 * mean) / blocks, 'ms'),
  ];
}

/** The tuned peer is the one that the goals are read against; the others stand beside it. */
function peerRows(ours: Pair, peer: Pair, variant: CometVariant): Row[] {
  const name = `CometBFT (${variant.name})`;
  const isReference = variant === tuned;
  const ratio = (what: string, value: number, target: string, met: boolean): Row =>
    isReference ? goal(what, value, '', target, met) : plain(what, value, '');
  const rows: Row[] = [];
  if (ours.sustained !== null && peer.sustained !== null) {
    const [own, other] = [ours.sustained, peer.sustained].map((each) => each.transactions / each.seconds);
    const [ownP50, otherP50] = [ours.sustained, peer.sustained].map(({ load }) =>
      quantile(load.finalityMs, 0.5),
    );
    rows.push(
      plain(`${name}: committed, sustained`, other!, 'tx/s', 'kvstore checks no signatures'),
      ...clientRows('sustained', peer.sustained).map((row) => ({ ...row, name: `${name}: ${row.name}` })),
      ...costRows(peer.sustained).map((row) => ({ ...row, name: `${name}: ${row.name}` })),
      ratio(`committed, ratio to ${name}`, own! / other!, '>= 1', own! >= other!),
      ratio(`client p50 sustained, ratio to ${name}`, ownP50! / otherP50!, '<= 1', ownP50! <= otherP50!),
    );
  }
  if (ours.light !== null && peer.light !== null) {
    const [own, other] = [ours.light, peer.light].map(({ load }) => quantile(load.finalityMs, 0.5));
    rows.push(
      ...clientRows('light load', peer.light).map((row) => ({ ...row, name: `${name}: ${row.name}` })),
      ratio(`client p50 light load, ratio to ${name}`, own! / other!, '<= 1', own! <= other!),
    );
  }
  return rows;
}

function goal(name: string, value: number, unit: string, target: string, met: boolean): Row {
  return { name, value, unit, goal: target, met, reference: null };
}

function readOptions(args: readonly string[]): Options {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      seconds: { ...text, default: '60' },
      outstanding: { ...text, default: '1500' },
      rate: text,
      batch: { ...text, default: '32' },
      light: { ...text, default: '100' },
      prepare: { ...text, default: '3000' },
      only: text,
      'no-peer': flag,
      profile: flag,
    },
  });
  return {
    seconds: Number(values.seconds),
    outstanding: Number(values.outstanding),
    rate: values.rate === undefined ? null : Number(values.rate),
    batch: Number(values.batch),
    light: Number(values.light),
    prepare: Number(values.prepare),
    only: values.only ?? null,
    peer: !values['no-peer'],
    profile: values.profile,
  };
}
