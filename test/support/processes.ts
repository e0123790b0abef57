import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesToHex } from '../../crypto/index.js';
import { chainIdOf, type Genesis, genesisValue } from '../../genesis/index.js';
import { publishTask } from '../../node/cli/publish.js';
import { publisherKey } from '../../node/cli/publisherKey.js';
import { type TaskFile, taskSpecOf } from '../../node/cli/taskFile.js';
import {
  type Network,
  openNetwork,
  type ProvisionedAttack,
  prepareData,
  provisionNetwork,
  readGenesis,
  seedFor,
} from '../../node/provision/index.js';
import { type Client, createClient, type ResultOf } from '../../node/rpc/index.js';
import { killNodeProcess, startNodeProcess, stopNodeProcess } from '../../node/testnet/index.js';
import { root } from './root.js';

export { root };

/** The command line as npm test has built it. */
export const program = [process.execPath, join(root, 'dist', 'node', 'cli', 'main.js')] as const;

/** Bounds of waits: far above what a quiet machine needs, since a busy one must pass as well. */
export const PATIENCE_MS = 120_000;
const POLL_MS = 2_000;

export const pimaSchema: unknown = JSON.parse(
  readFileSync(join(root, 'datasets', 'pima.schema.json'), 'utf8'),
);

/** A provisioned network whose validators are processes of their own, from dist. */
export interface Hospitals {
  readonly network: Network;
  readonly names: readonly string[];
  /** One a validator, in their order. */
  readonly clients: readonly Client[];
  /** Starts validators, all at once, and waits until they are ready. */
  start(names?: readonly string[]): Promise<void>;
  /** kill -9, of all at once. */
  kill(names: readonly string[]): Promise<void>;
  stop(names: readonly string[]): Promise<void>;
  client(name: string): Client;
  publish(task: TaskFile): Promise<number>;
  /** Ends what still runs and removes the folder. */
  close(): Promise<void>;
}

/**
 * Provisions `validators` hospitals with `devices` devices each on the Pima data; starts none. `agreement`: times
 * that differ from those of a local network; `params`: other parameters that do; `attack`: who attacks.
 */
export async function provisionHospitals(
  validators: number,
  devices: number,
  agreement: Partial<Genesis['params']['agreement']> = {},
  params: Partial<Omit<Genesis['params'], 'agreement'>> = {},
  attack: ProvisionedAttack | null = null,
): Promise<Hospitals> {
  const folder = mkdtempSync(join(tmpdir(), 'consilium-e2e-'));
  const provisioned = await provisionNetwork({
    dir: join(folder, 'network'),
    name: 'e2e',
    time: Date.now(),
    validators,
    devices,
    data: prepareData({
      csv: readFileSync(join(root, 'datasets', 'pima.csv'), 'utf8'),
      schema: pimaSchema,
      label: null,
      seed: seedFor('split', 'e2e'),
      devices: validators * devices,
    }),
    epsilonMicro: 6_000_000,
    deltaPico: 100_000_000,
    attack,
    seed: 'e2e',
  });
  const network = withParams(provisioned, agreement, params);
  const names = network.file.nodes.map(({ name }) => name);
  const clients = network.file.nodes.map(({ rpc }) => createClient(rpc, { timeoutMs: 30_000 }));
  const each = async (some: readonly string[], act: (name: string) => Promise<unknown>): Promise<void> => {
    await Promise.all(some.map(act));
  };
  const kill = (some: readonly string[]) => each(some, (name) => killNodeProcess(network, name));
  const options = { withParent: true, readyTimeoutMs: PATIENCE_MS, program };
  return {
    network,
    names,
    clients,
    start: (some = names) => each(some, (name) => startNodeProcess(network, name, options)),
    kill,
    stop: (some) => each(some, (name) => stopNodeProcess(network, name)),
    client: (name) => clients[names.indexOf(name)]!,
    publish: async (task) => {
      const { task: id } = await publishTask(
        clients[0]!,
        network.chainId,
        publisherKey(network),
        taskSpecOf(task),
      );
      return id;
    },
    close: async () => {
      await kill(names);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The same network under a genesis with other parameters, before anything has started. */
function withParams(
  network: Network,
  agreement: Partial<Genesis['params']['agreement']>,
  others: Partial<Omit<Genesis['params'], 'agreement'>>,
): Network {
  const genesis = readGenesis(network.genesisFile);
  const params = { ...genesis.params, ...others };
  const changed = { ...genesis, params: { ...params, agreement: { ...params.agreement, ...agreement } } };
  writeFileSync(network.genesisFile, JSON.stringify(changed));
  const chainId = bytesToHex(chainIdOf(genesisValue(changed)));
  writeFileSync(join(network.dir, 'network.json'), JSON.stringify({ ...network.file, chainId }));
  return openNetwork(network.dir);
}

/** A task on the Pima data: one step a round, noised, as the demo publishes it. */
export function pimaTask(options: Partial<TaskFile> & Pick<TaskFile, 'devices' | 'quorum' | 'rounds'>) {
  const task: TaskFile = {
    title: 'a task of the end-to-end tests',
    level: 1,
    model: { inputs: 8, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] },
    weightsSeed: '00'.repeat(32),
    schema: pimaSchema,
    learningRate: 1,
    privacy: { epsilon: 3, delta: 1e-4 },
    faulty: 0,
    deadlineMs: 1_000,
    deadlineBlocks: 2,
    auditHeights: 100_000,
    ...options,
  };
  return task;
}

/** Times for networks in which somebody is dead: its heights end sooner, and several in a row cost little. */
export const impatient = { deadlineMs: 800, deadlineCapMs: 4_000 } as const;

export type RoundForm = ResultOf<'task.rounds'>[number];

/** Waits until round `from` of a task has closed; gives it and those after it that have closed, too. */
export async function closedRounds(
  client: Client,
  task: number,
  from: number,
  patienceMs = PATIENCE_MS,
): Promise<readonly RoundForm[]> {
  return until(`round ${from} of task ${task} to close`, patienceMs, async () => {
    const rounds = await client.call('task.rounds', { task, from, waitMs: POLL_MS });
    if (rounds.length > 0) return rounds;
    const { status } = await client.call('task.get', { task });
    if (status === 'failed') throw new Error(`task ${task} failed before its round ${from}`);
    return null;
  });
}

/**
 * Follows a task's rounds from `from` on until one fits. On a busy machine a round may fail for lack of updates:
 * then the next ones are looked at, until the task has no more.
 */
export async function roundWhere(
  client: Client,
  task: number,
  from: number,
  fits: (round: RoundForm) => boolean,
): Promise<RoundForm> {
  for (let next = from; ; ) {
    const rounds = await closedRounds(client, task, next);
    const found = rounds.find(fits);
    if (found !== undefined) return found;
    next += rounds.length;
  }
}

/** Names of the devices whose updates a round judged. */
export function devicesIn({ verdicts }: RoundForm): readonly string[] {
  return verdicts.map(({ name }) => name).sort();
}

/** Waits until a node's head is at `height` or above. */
export function reached(client: Client, height: number, patienceMs = PATIENCE_MS): Promise<number> {
  return until(`${client.url} to reach height ${height}`, patienceMs, async () => {
    const status = await client.call('chain.status', { afterHeight: height - 1, waitMs: POLL_MS });
    return status.height >= height ? status.height : null;
  });
}

/** Waits until all nodes have what is now the highest head; gives that height. */
export async function level(clients: readonly Client[], patienceMs = PATIENCE_MS): Promise<number> {
  const heads = await Promise.all(clients.map((client) => client.call('chain.status', {})));
  const height = Math.max(...heads.map((head) => head.height));
  await Promise.all(clients.map((client) => reached(client, height, patienceMs)));
  return height;
}

export type BlockForm = ResultOf<'chain.block'>;

/** The blocks of the heights from..to as one node has them. */
export async function blocks(client: Client, from: number, to: number): Promise<readonly BlockForm[]> {
  const found: BlockForm[] = [];
  for (let height = from; height <= to; height += 1) found.push(await client.call('chain.block', { height }));
  return found;
}

/** The first block at `from` or above that fits; waits for it. */
export async function blockWhere(
  client: Client,
  from: number,
  fits: (block: BlockForm) => boolean,
): Promise<BlockForm> {
  let next = from;
  return until(`a block of some kind from height ${from} on`, PATIENCE_MS, async () => {
    await reached(client, next);
    const block = await client.call('chain.block', { height: next });
    next += 1;
    return fits(block) ? block : null;
  });
}

/** Asks again until the probe gives something; each probe waits by itself (long poll), so this spins on nothing. */
export async function until<T>(what: string, patienceMs: number, probe: () => Promise<T | null>): Promise<T> {
  const end = performance.now() + patienceMs;
  for (;;) {
    const found = await probe();
    if (found !== null) return found;
    if (performance.now() > end) throw new Error(`waited ${patienceMs} ms in vain for ${what}`);
  }
}
