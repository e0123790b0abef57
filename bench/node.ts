/**
 * What a user of one node feels: how soon a local network runs, what its RPC carries while it trains, how the page
 * paints, and what a node takes when nobody asks anything of it. Goals are for a quiet machine.
 *
 * Run: npm run bench -- node [--json] [--only start,idle,reads,explorer] [--starts 3] [--seconds 20]. `--seconds`: of
 * the idle time; saturation and each view of the page take three quarters of it, the open loop twice those.
 */
import { parseArgs } from 'node:util';
import { explorerRows } from './node/explorer.js';
import { idleRows } from './node/idle.js';
import { type LocalNetwork, type Started, startLocal } from './node/localNetwork.js';
import { readRows } from './node/readRows.js';
import { median, plain, type Row, within } from './row.js';

const VALIDATORS = 4;
const FIRST_BLOCK_S = 5;
const parts = ['start', 'idle', 'reads', 'explorer'] as const;
type Part = (typeof parts)[number];

export async function node(args: readonly string[]): Promise<readonly Row[]> {
  const { only, starts, seconds } = readOptions(args);
  const shorter = 0.75 * seconds;
  const rows: Row[] = [];
  if (only.has('start')) rows.push(...(await startRows(starts)));
  if (only.has('idle')) rows.push(...(await onNetwork((local) => idleRows(local, seconds))));
  if (only.has('reads')) rows.push(...(await onNetwork((local) => readRows(local, shorter))));
  if (only.has('explorer')) rows.push(...(await explorerRows(shorter)));
  return rows;
}

async function startRows(starts: number): Promise<readonly Row[]> {
  const found: Started[] = [];
  for (let nth = 0; nth < starts; nth += 1) {
    const started = await startLocal(VALIDATORS);
    await started.local.close();
    found.push(started);
  }
  const each = found.map(({ firstBlockSeconds }) => firstBlockSeconds.toFixed(1)).join(', ');
  const blocks = median(found.map(({ firstBlockSeconds }) => firstBlockSeconds));
  return [
    within(`start of ${VALIDATORS} nodes until the first block`, blocks, 's', '<', FIRST_BLOCK_S, {
      reference: `testnet up in a new folder, then one transaction; median of ${each}`,
    }),
    plain('start until all nodes are ready', median(found.map(({ readySeconds }) => readySeconds)), 's'),
  ];
}

async function onNetwork(measure: (local: LocalNetwork) => Promise<readonly Row[]>): Promise<readonly Row[]> {
  const { local } = await startLocal(VALIDATORS);
  try {
    return await measure(local);
  } finally {
    await local.close();
  }
}

function readOptions(args: readonly string[]) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', default: parts.join(',') },
      starts: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '20' },
    },
  });
  const only = values.only.split(',');
  const unknown = only.find((part) => !parts.includes(part as Part));
  if (unknown !== undefined)
    throw new RangeError(`--only: ${parts.join(', ')}, with commas; not "${unknown}"`);
  const atLeast = (name: 'starts' | 'seconds', least: number): number => {
    const value = Number(values[name]);
    if (!(value >= least && value <= 600)) throw new RangeError(`--${name}: a number from ${least} to 600`);
    return value;
  };
  return { only: new Set(only as Part[]), starts: atLeast('starts', 1), seconds: atLeast('seconds', 1) };
}
