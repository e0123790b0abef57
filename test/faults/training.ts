import { publishTask } from '../../node/cli/publish.js';
import { publisherKey } from '../../node/cli/publisherKey.js';
import { taskSpecOf } from '../../node/cli/taskFile.js';
import type { Client } from '../../node/rpc/index.js';
import type { Cluster } from './cluster.js';

/** So many that they outlast the faults; each device's budget ends before that. */
const ROUNDS = 500;
/** One call of task.rounds gives as many at most. */
const PAGE_MS = 10_000;

export interface Rounds {
  readonly closed: number;
  readonly failed: number;
}

/** Publishes a task on the Pima data for the devices that the hospitals host; gives its number. */
export async function publishTraining({ clients, network, members, schema }: Cluster): Promise<number> {
  const { task } = await publishTask(
    clients[0]!,
    network.chainId,
    publisherKey(network),
    taskSpecOf({
      title: 'training under faults',
      level: 1,
      model: { inputs: 8, layers: [{ kind: 'dense', units: 1, activation: 'linear' }] },
      weightsSeed: '00'.repeat(32),
      schema,
      learningRate: 1,
      privacy: { epsilon: 3, delta: 1e-4 },
      faulty: 0,
      devices: members,
      quorum: Math.floor((2 * members) / 3),
      rounds: ROUNDS,
      deadlineMs: 3_000,
      deadlineBlocks: 2,
      auditHeights: 100_000,
    }),
  );
  return task;
}

/** How the rounds of a task ended so far. */
export async function roundsOf(client: Client, task: number): Promise<Rounds> {
  let closed = 0;
  let failed = 0;
  for (let from = 1; ; ) {
    const rounds = await client.call('task.rounds', { task, from }, { timeoutMs: PAGE_MS });
    if (rounds.length === 0) return { closed, failed };
    closed += rounds.filter(({ status }) => status === 'closed').length;
    failed += rounds.filter(({ status }) => status === 'failed').length;
    from += rounds.length;
  }
}
