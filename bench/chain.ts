/**
 * The chain as evidence, in figures: replay, sync, opening, proofs, disk, payloads.
 *
 * Run: npm run bench -- chain [--json] [--heights 100000] [--transactions 1] [--replay 2000] [--rounds 20]
 *   [--folder DIR] [--only sync,replay,proofs,growth,payloads]
 *
 * `--heights`: length of the chain that is synced; its making takes minutes, and `--folder` keeps it for the next run.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { payloads } from './payloads.js';
import { proofs } from './proofs.js';
import { replay } from './replay.js';
import type { Row } from './row.js';
import { updates } from './store.js';
import { measureSync } from './sync.js';

/** The length that the goals are for. */
const HEIGHTS = 100_000;
const SYNC_GOAL = 2_000;
const OPEN_GOAL_S = 3;

export async function chain(args: readonly string[]): Promise<readonly Row[]> {
  const text = (value: string) => ({ type: 'string', default: value }) as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      heights: text(`${HEIGHTS}`),
      transactions: text('1'),
      replay: text('2000'),
      rounds: text('20'),
      folder: { type: 'string' },
      only: text('sync,replay,proofs,growth,payloads'),
    },
  });
  const parts = values.only.split(',');
  const own = mkdtempSync(join(tmpdir(), 'consilium-bench-chain-'));
  const folder = values.folder ?? own;
  const rounds = Number(values.rounds);
  const made: Readonly<Record<string, () => Promise<readonly Row[]> | readonly Row[]>> = {
    sync: () => syncRows(folder, Number(values.heights), Number(values.transactions)),
    // Here: join by snapshot at 100,000 blocks, s, goal 10 (from the same history, `history-HEIGHTS-TRANSACTIONS`).
    replay: () => replay(Number(values.replay), rounds),
    proofs,
    growth: () => updates(join(own, 'updates'), rounds),
    payloads: () => payloads([]),
  };
  try {
    const rows: Row[] = [];
    for (const part of parts) {
      const make = made[part];
      if (make === undefined) throw new RangeError(`--only: one or more of ${Object.keys(made).join(', ')}`);
      rows.push(...(await make()));
    }
    return rows;
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

/** Between two processes over libp2p on loopback; what both take of the machine is in it. */
async function syncRows(folder: string, heights: number, transactions: number): Promise<readonly Row[]> {
  const synced = await measureSync(folder, heights, transactions);
  const { seconds, main, others, server, rssBytes, diskBytes, opening } = synced;
  const isWhole = heights === HEIGHTS;
  const goal = (text: string, met: boolean) => (isWhole ? { goal: text, met } : { goal: null, met: null });
  const each = (cpu: number) => `${((1e6 * cpu) / heights).toFixed(0)} µs`;
  const row = (name: string, value: number, unit: string, reference: string | null): Row => ({
    name,
    value,
    unit,
    goal: null,
    met: null,
    reference,
  });
  const what = `${heights} blocks of ${transactions} transaction(s), 4 validators`;
  const cpu = main + others + server;
  const cores = availableParallelism();
  return [
    {
      ...row('sync from genesis', heights / seconds, 'blocks/s', `${what}, ${cores} cores`),
      ...goal(`>= ${SYNC_GOAL} blocks/s`, heights / seconds >= SYNC_GOAL),
    },
    row(
      'sync: CPU a block',
      (1e6 * cpu) / heights,
      'µs',
      `main thread ${each(main)}, its other threads ${each(others)}, who serves ${each(server)}`,
    ),
    row('sync: memory of the node', rssBytes / 2 ** 20, 'MiB', 'the most that was seen'),
    {
      ...row(`opening ${heights} blocks`, opening.seconds, 's', `${opening.cpu.toFixed(2)} s of CPU`),
      ...goal(`<= ${OPEN_GOAL_S} s`, opening.seconds <= OPEN_GOAL_S),
    },
    row('store: bytes a block', diskBytes / heights, 'bytes', what),
  ];
}
