import type { TaskSpec } from '../../contracts/index.js';
import { type Client, createWallet } from '../rpc/index.js';
import { BLOCK_WAIT_MS } from './commitCall.js';
import { CliError } from './failure.js';

/**
 * Publishes a task as any client would: a transaction signed here, sent to a node, committed by the chain.
 * Returns the task's id. Throws RpcError; CliError "refused" if the contract refuses, "timed-out" if no block
 * takes it in time.
 */
export async function publishTask(
  client: Client,
  chainId: Uint8Array,
  secret: Uint8Array,
  spec: TaskSpec,
  content: Uint8Array | null = null,
): Promise<{ task: number; transaction: string; height: number }> {
  const wallet = createWallet({ client, chainId, secret });
  const hash = await wallet.send({
    contract: 'tasks',
    method: content === null ? 'publish' : 'publishSealed',
    level: spec.level,
    args: content === null ? { spec } : { spec, content },
    payloads: [],
  });
  const done = await wallet.wait(hash, BLOCK_WAIT_MS);
  if (done.status !== 'committed') {
    throw new CliError(
      'timed-out',
      `no block has taken the task after ${BLOCK_WAIT_MS / 1_000} s (transaction ${hash})`,
    );
  }
  if (!done.ok) throw new CliError('refused', `the task was refused (${done.code}): ${done.detail}`);
  return { task: publishedTask(done.events), transaction: hash, height: done.height };
}

function publishedTask(
  events: readonly { readonly kind: string; readonly fields: Record<string, unknown> }[],
): number {
  const task = events.find(({ kind }) => kind === 'published')?.fields.task;
  if (typeof task === 'number') return task;
  throw new CliError('refused', 'the node committed the task but does not tell its number');
}
