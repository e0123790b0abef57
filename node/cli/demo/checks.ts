import { setTimeout as delay } from 'node:timers/promises';
import type { Network } from '../../provision/index.js';
import type { NodePool } from '../nodePool.js';
import type { RoundsOutcome } from './rounds.js';

const CATCH_UP_MS = 30_000;
const POLL_MS = 100;

/** Which validators do not have the same block at one height, or do not answer; empty: all heads are equal. */
export async function unequalHeads(
  network: Network,
  nodes: NodePool,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const height = await commonHeight(nodes, signal);
  const hashes = await Promise.allSettled(
    nodes.clients.map(async (client) => (await client.call('chain.block', { height })).hash),
  );
  const found = hashes.flatMap((hash) => (hash.status === 'fulfilled' ? [hash.value] : []));
  const names = network.file.nodes.map(({ name }) => name);
  return hashes.flatMap((hash, index) => {
    if (hash.status === 'rejected')
      return [`${names[index]} has no block at height ${height}, or does not answer`];
    return hash.value === found[0] ? [] : [`${names[index]} has another block at height ${height}`];
  });
}

/** Devices that spent more than the ε that they declared. */
export function overspent({ ledgers }: RoundsOutcome): readonly string[] {
  return ledgers
    .filter(({ spentMicro, boundMicro }) => spentMicro > boundMicro)
    .map(({ device, spentMicro, boundMicro }) => {
      return `${device} spent ε = ${spentMicro / 1e6} of ${boundMicro / 1e6}`;
    });
}

/** The greatest height of any validator, once all have reached it or the time is up. */
async function commonHeight(nodes: NodePool, signal: AbortSignal): Promise<number> {
  const until = performance.now() + CATCH_UP_MS;
  let target = 0;
  for (;;) {
    const answers = await Promise.allSettled(nodes.clients.map((client) => client.call('chain.status', {})));
    const heights = answers.map((answer) => (answer.status === 'fulfilled' ? answer.value.height : 0));
    // Fixed at the first look: a chain that goes on must not be chased.
    target ||= Math.max(...heights);
    if (heights.every((height) => height >= target) || performance.now() > until) return target;
    await delay(POLL_MS, undefined, { signal });
  }
}
