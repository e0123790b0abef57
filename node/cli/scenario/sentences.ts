import { setTimeout as delay } from 'node:timers/promises';
import { exportChain } from '../../export/index.js';
import { LOCAL_LEVEL, provisionNetwork } from '../../provision/index.js';
import {
  healNetwork,
  killNodeProcess,
  partitionNetwork,
  pauseNodeProcess,
  startNodeProcess,
  startTestnet,
} from '../../testnet/index.js';
import { attack as attackOfText } from '../args.js';
import { auditApart } from '../demo/audit.js';
import { loadData } from '../demo/loadData.js';
import { DELTA } from '../demo/options.js';
import { demoTask } from '../demo/task.js';
import { CliError } from '../failure.js';
import { publishTask } from '../publish.js';
import { publisherKey } from '../publisherKey.js';
import { readTaskFile, taskSpecOf } from '../taskFile.js';
import type { World } from './world.js';

/** A kind of line of a scenario. A new one is an entry below. */
export interface Sentence {
  /** As it stands in the documentation and in messages. */
  readonly example: string;
  readonly pattern: RegExp;
  run(world: World, words: Readonly<Record<string, string>>): Promise<void>;
}

const EPSILON = 3;
const SEED = 'scenario';

const names = (text: string): string[] => text.split(/[\s,]+/).filter((name) => name !== '');

function failed(why: string): never {
  throw new CliError('check-failed', why);
}

async function each(text: string, act: (name: string) => unknown): Promise<void> {
  await Promise.all(names(text).map(act));
}

const source = (validators: number, devices: number) => ({
  data: null,
  schema: null,
  label: null,
  partition: 'iid',
  seed: SEED,
  validators,
  devices,
});

async function beginNetwork(
  world: World,
  { validators, devices, attack }: Readonly<Record<string, string | undefined>>,
) {
  const [hospitals, each] = [Number(validators), Number(devices)];
  const network = await provisionNetwork({
    dir: world.dir,
    name: 'scenario',
    time: Date.now(),
    validators: hospitals,
    devices: each,
    data: loadData(source(hospitals, each)),
    epsilonMicro: EPSILON * 1e6,
    deltaPico: DELTA * 1e12,
    attack: attack === undefined ? null : attackOfText(attack),
    seed: SEED,
  });
  world.begin(network);
  await startTestnet(network, { withParent: true, signal: world.signal });
}

async function publish(world: World, task: unknown): Promise<void> {
  const spec = taskSpecOf(task);
  await world.nodes.use((client) =>
    publishTask(client, world.network.chainId, publisherKey(world.network), spec),
  );
}

async function refusedIn(world: World, task: number): Promise<number> {
  let refused = 0;
  for (let from = 1; ; ) {
    const rounds = await world.nodes.use((client) => client.call('task.rounds', { task, from }));
    if (rounds.length === 0) return refused;
    for (const { verdicts } of rounds) refused += verdicts.filter(({ qualified }) => !qualified).length;
    from += rounds.length;
  }
}

export const sentences: readonly Sentence[] = [
  {
    example: 'network of 4 hospitals with 2 devices each, attack label-flip:0.3',
    pattern:
      /^network of (?<validators>\d+) hospitals? with (?<devices>\d+) devices? each(?:, attack (?<attack>\S+))?$/,
    run: beginNetwork,
  },
  {
    example: 'publish task.json',
    pattern: /^publish (?<file>\S+\.json)$/,
    run: (world, { file }) => publish(world, readTaskFile(world.path(file!))),
  },
  {
    example: 'publish the demo task with 5 rounds',
    pattern: /^publish the demo task with (?<rounds>\d+) rounds?$/,
    run: async (world, { rounds }) => {
      const { nodes, devices } = world.network.file;
      const each = devices.length / nodes.length;
      const options = {
        ...source(nodes.length, each),
        rounds: Number(rounds),
        epsilon: EPSILON,
        delta: DELTA,
      };
      const rest = { attack: null, keep: false, json: false, dir: null };
      const task = demoTask({ ...options, ...rest }, loadData(options));
      await publish(world, { ...task, level: LOCAL_LEVEL });
    },
  },
  {
    example: 'kill hospital-2 hospital-3',
    pattern: /^kill (?<who>.+)$/,
    run: (world, { who }) => each(who!, (name) => killNodeProcess(world.network, name)),
  },
  {
    example: 'start hospital-2 hospital-3',
    pattern: /^start (?<who>.+)$/,
    run: (world, { who }) =>
      each(who!, (name) => startNodeProcess(world.network, name, { withParent: true, signal: world.signal })),
  },
  {
    example: 'pause hospital-2',
    pattern: /^pause (?<who>.+)$/,
    run: (world, { who }) => each(who!, (name) => pauseNodeProcess(world.network, name, true)),
  },
  {
    example: 'resume hospital-2',
    pattern: /^resume (?<who>.+)$/,
    run: (world, { who }) => each(who!, (name) => pauseNodeProcess(world.network, name, false)),
  },
  {
    example: 'partition hospital-1 hospital-2 | hospital-3 hospital-4',
    pattern: /^partition (?<groups>.+\|.+)$/,
    run: (world, { groups }) => partitionNetwork(world.network, groups!.split('|').map(names)),
  },
  { example: 'heal', pattern: /^heal$/, run: (world) => healNetwork(world.network) },
  {
    example: 'wait 5 s',
    pattern: /^wait (?<seconds>\d+) s$/,
    run: (world, { seconds }) => delay(Number(seconds) * 1_000, undefined, { signal: world.signal }),
  },
  {
    example: 'expect height 10 within 60 s',
    pattern: /^expect height (?<height>\d+) within (?<seconds>\d+) s$/,
    run: (world, { height, seconds }) =>
      world.until(Number(seconds), async () => {
        const now = await world.height();
        return now >= Number(height) ? null : `the head is at ${now}`;
      }),
  },
  {
    example: 'expect 5 more blocks within 60 s',
    pattern: /^expect (?<more>\d+) more blocks? within (?<seconds>\d+) s$/,
    run: async (world, { more, seconds }) => {
      const before = await world.height();
      await world.until(Number(seconds), async () => {
        const now = await world.height();
        return now >= before + Number(more) ? null : `${now - before} more blocks`;
      });
    },
  },
  {
    example: 'expect no more blocks for 5 s',
    pattern: /^expect no more blocks for (?<seconds>\d+) s$/,
    run: async (world, { seconds }) => {
      const before = await world.height();
      await delay(Number(seconds) * 1_000, undefined, { signal: world.signal });
      const after = await world.height();
      if (after !== before) failed(`the head went from ${before} to ${after}`);
    },
  },
  {
    example: 'expect all at one height within 30 s',
    pattern: /^expect all at one height within (?<seconds>\d+) s$/,
    run: (world, { seconds }) =>
      world.until(Number(seconds), async () => {
        const heads = await world.heads();
        const heights = new Set(heads.map(({ height }) => height));
        if (heights.size === 1 && !heights.has(null)) return null;
        return heads.map(({ name, height }) => `${name} at ${height ?? 'nothing'}`).join(', ');
      }),
  },
  {
    example: 'expect round 3 of task 1 within 120 s',
    pattern: /^expect round (?<round>\d+) of task (?<task>\d+) within (?<seconds>\d+) s$/,
    run: (world, { round, task, seconds }) =>
      world.until(Number(seconds), async () => {
        const params = { task: Number(task), from: Number(round) };
        const rounds = await world.nodes.use((client) => client.call('task.rounds', params));
        return rounds.length > 0 ? null : `round ${round} has not closed`;
      }),
  },
  {
    example: 'expect task 1 done within 300 s',
    pattern: /^expect task (?<task>\d+) (?<status>done|failed|running) within (?<seconds>\d+) s$/,
    run: (world, { task, status, seconds }) =>
      world.until(Number(seconds), async () => {
        const now = await world.nodes.use((client) => client.call('task.get', { task: Number(task) }));
        return now.status === status ? null : `task ${task} is ${now.status}`;
      }),
  },
  {
    example: 'expect at least 3 refused updates in task 1',
    pattern: /^expect at least (?<least>\d+) refused updates? in task (?<task>\d+)$/,
    run: async (world, { least, task }) => {
      const refused = await refusedIn(world, Number(task));
      if (refused < Number(least)) failed(`${refused} updates were refused`);
    },
  },
  {
    example: 'expect no fork',
    pattern: /^expect no fork$/,
    run: async (world) => {
      const heads = await world.heads();
      const height = Math.min(...heads.map((head) => head.height ?? 0));
      if (height === 0) return;
      const hashes = await Promise.all(
        world.running.map(async ({ client }) => (await client.call('chain.block', { height })).hash),
      );
      if (new Set(hashes).size > 1) failed(`height ${height} has blocks ${hashes.join(', ')}`);
    },
  },
  {
    example: 'expect the chain to hold',
    pattern: /^expect the chain to hold$/,
    run: async (world) => {
      const file = world.path('chain.car');
      await world.nodes.use(({ url }) => exportChain({ url, file }));
      const { ok, divergence } = await auditApart(file, world.network.genesisFile, world.signal);
      if (!ok) failed(`the replay found: ${divergence?.reason}: ${divergence?.detail}`);
    },
  },
];
