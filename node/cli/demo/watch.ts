import { setTimeout as delay } from 'node:timers/promises';
import type { NodePool } from '../nodePool.js';
import type { Display } from './display.js';

const EVERY_MS = 500;

/** What the validators say of themselves, of those that answer. */
export interface Heads {
  readonly up: number;
  readonly height: number;
  /** Of the slowest validator, over the transactions that it took; null: none yet. */
  readonly finalityMsP50: number | null;
  readonly finalityMsP95: number | null;
}

export async function readHeads(nodes: NodePool): Promise<Heads> {
  const answers = await Promise.allSettled(nodes.clients.map((client) => client.call('node.status', {})));
  const up = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  const slowest = (metric: string): number | null => {
    const values = up.map(({ metrics }) => metrics[metric]).filter((value) => value !== undefined);
    return values.length === 0 ? null : Math.max(...values);
  };
  return {
    up: up.length,
    height: Math.max(0, ...up.map(({ height }) => height)),
    finalityMsP50: slowest('finalityMsP50'),
    finalityMsP95: slowest('finalityMsP95'),
  };
}

/** Keeps the display's chain and validators up to date until the signal aborts. Never rejects. */
export async function watchHeads(nodes: NodePool, display: Display, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { up, ...heads } = await readHeads(nodes);
    display.update({ validatorsUp: up, ...heads });
    await delay(EVERY_MS, undefined, { signal }).catch(() => {}); // aborted: the loop ends
  }
}
