import { publishTask } from '../../node/cli/publish.js';
import { publisherKey } from '../../node/cli/publisherKey.js';
import { taskSpecOf } from '../../node/cli/taskFile.js';
import { pimaTask } from '../../test/support/processes.js';
import { cpuSeconds } from '../load/cpu.js';
import { driveReads } from '../load/driveReads.js';
import type { ReadJob, ReadReport } from '../load/readMessage.js';
import { plain, quantile, type Row, within } from '../row.js';
import { giveWay } from './giveWay.js';
import type { LocalNetwork } from './localNetwork.js';

const READS_MIN = 3_000;
const OPEN_LOOP_RATE = 500;
const P99_MS_MAX = 20;
const SATURATING_CONNECTIONS = 32;
/** More than are ever on their way at 500 a second, unless the node stands still. */
const OPEN_LOOP_CONNECTIONS = 64;
const WARM_UP_SECONDS = 3;
/** One turn of the mix: each of the four reads this often, over as many blocks and accounts as there are. */
const TURN = 64;
const ROUNDS_FIRST = 3;
const FIRST_ROUNDS_MS = 120_000;

/**
 * Reads of one node while the network trains: the main job's task with more rounds than the measurement can see the
 * end of. First with all validators alike on this machine's cores, then, for the goals, with the others giving way to
 * the one that is read, since they stand for machines of their own. Throws if the task ends meanwhile.
 */
export async function readRows(local: LocalNetwork, seconds: number): Promise<readonly Row[]> {
  const task = await publish(local);
  await roundsClosed(local, task, ROUNDS_FIRST);
  const alike = await readBoth(local, task, seconds);
  giveWay(local.pids.slice(1));
  const { saturated, open } = await readBoth(local, task, seconds);
  return [
    within('reads while it trains', rateOf(saturated), 'a second', '>=', READS_MIN, {
      reference: `${SATURATING_CONNECTIONS} connections; ${saturated.told}`,
      alsoNeeds: saturated.report.refused === 0,
    }),
    plain('p99 of these reads', p99Of(saturated), 'ms', 'closed loop'),
    within(`reads at ${OPEN_LOOP_RATE} a second while it trains, p99`, p99Of(open), 'ms', '<', P99_MS_MAX, {
      reference: `${spreadOf(open)}; ${open.told}`,
      alsoNeeds: open.report.refused === 0,
    }),
    plain(
      'reads while it trains, validators alike on these cores',
      rateOf(alike.saturated),
      'a second',
      alike.saturated.told,
    ),
    plain(
      `reads at ${OPEN_LOOP_RATE} a second, validators alike on these cores, p99`,
      p99Of(alike.open),
      'ms',
      `${spreadOf(alike.open)}; ${alike.open.told}`,
    ),
  ];
}

interface Both {
  readonly saturated: Measured;
  readonly open: Measured;
}

async function readBoth(local: LocalNetwork, task: number, seconds: number): Promise<Both> {
  const requests = await mix(local, task);
  const job = { url: local.clients[0]!.url, requests, warmUpSeconds: WARM_UP_SECONDS };
  const closed = { ...job, connections: SATURATING_CONNECTIONS, seconds, rate: null };
  const paced = { ...job, connections: OPEN_LOOP_CONNECTIONS, seconds: 2 * seconds, rate: OPEN_LOOP_RATE };
  const saturated = await whileTraining(local, task, closed);
  return { saturated, open: await whileTraining(local, task, paced) };
}

const rateOf = ({ report }: Measured): number => report.reads / report.seconds;
const p99Of = ({ report }: Measured): number => quantile(report.latenciesMs, 0.99);

function spreadOf({ report: { latenciesMs } }: Measured): string {
  return `p50 ${quantile(latenciesMs, 0.5).toFixed(1)} ms, highest ${Math.max(...latenciesMs).toFixed(1)} ms`;
}

/** The demo's task on the data that `testnet up` deals out, for 2,000 rounds. */
async function publish({ network, clients }: LocalNetwork): Promise<number> {
  const devices = network.file.devices.length;
  const file = pimaTask({
    title: 'trains while it is read',
    devices,
    quorum: Math.ceil((2 * devices) / 3),
    faulty: Math.round(0.3 * devices),
    rounds: 2_000,
    deadlineMs: 10_000,
  });
  const secret = publisherKey(network);
  return (await publishTask(clients[0]!, network.chainId, secret, taskSpecOf(file))).task;
}

async function closedRounds({ clients }: LocalNetwork, task: number): Promise<number> {
  const { status, round } = await clients[1]!.call('task.get', { task });
  if (status !== 'enrolling' && status !== 'running') throw new Error(`the task is ${status}`);
  return (round?.round ?? 1) - 1;
}

async function roundsClosed(local: LocalNetwork, task: number, wanted: number): Promise<void> {
  const until = performance.now() + FIRST_ROUNDS_MS;
  while ((await closedRounds(local, task)) < wanted) {
    if (performance.now() > until) throw new Error(`no ${wanted} rounds within ${FIRST_ROUNDS_MS} ms`);
    const { height } = await local.clients[1]!.call('chain.status', {});
    await local.clients[1]!.call('chain.status', { afterHeight: height, waitMs: 1_000 });
  }
}

/** chain.status, chain.block, task.get and account.get in turn, over blocks and accounts that exist. */
async function mix({ network, clients }: LocalNetwork, task: number): Promise<readonly string[]> {
  const client = clients[0]!;
  const { height } = await client.call('chain.status', {});
  const { enrolled } = await client.call('task.get', { task });
  const keys = [
    ...network.file.nodes.map(({ publicKey }) => publicKey),
    ...enrolled.map(({ device }) => device),
  ];
  return Array.from({ length: TURN }, (_, turn) => [
    request('chain.status', {}),
    request('chain.block', { height: 1 + (turn % height) }),
    request('task.get', { task }),
    request('account.get', { publicKey: keys[turn % keys.length] }),
  ]).flat();
}

function request(method: string, params: object): string {
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
}

interface Measured {
  readonly report: ReadReport;
  /** What went on meanwhile, for the row. */
  readonly told: string;
}

async function whileTraining(local: LocalNetwork, task: number, job: ReadJob): Promise<Measured> {
  const roundsBefore = await closedRounds(local, task);
  const cpuBefore = cpuSeconds(local.pids[0]!);
  const begun = performance.now();
  const report = await driveReads(job);
  const took = (performance.now() - begun) / 1_000;
  const node = (100 * (cpuSeconds(local.pids[0]!) - cpuBefore)) / took;
  const rounds = (await closedRounds(local, task)) - roundsBefore;
  const load = (100 * report.cpuSeconds) / report.seconds;
  const refused = report.refused === 0 ? '' : `; ${report.refused} refused, last ${report.lastRefusal}`;
  const told = `${rounds} rounds closed in ${took.toFixed(0)} s, CPU of the node ${node.toFixed(0)} %, of the load ${load.toFixed(0)} %${refused}`;
  return { report, told };
}
