import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { cpuSeconds } from '../load/cpu.js';
import { type Row, within } from '../row.js';
import type { LocalNetwork } from './localNetwork.js';

const CPU_SHARE_MAX = 3;
const RSS_MB_MAX = 200;
/** What starting leaves behind is over by then: connections, gossip's first rounds, compilation. */
const SETTLE_MS = 10_000;

/** What a node takes when nobody asks anything of it; of all nodes the one that takes most. */
export async function idleRows({ pids, clients }: LocalNetwork, seconds: number): Promise<readonly Row[]> {
  await delay(SETTLE_MS);
  const heightOf = async () => (await clients[0]!.call('chain.status', {})).height;
  const before = await heightOf();
  const begun = performance.now();
  const cpuBefore = pids.map(cpuSeconds);
  await delay(1_000 * seconds);
  const took = (performance.now() - begun) / 1_000;
  const shares = pids.map((pid, index) => (100 * (cpuSeconds(pid) - cpuBefore[index]!)) / took);
  const rss = pids.map(residentMegabytes);
  const blocks = (await heightOf()) - before;
  const all = (values: readonly number[]) => values.map((value) => value.toFixed(1)).join(', ');
  return [
    within('idle node, CPU', Math.max(...shares), '% of a core', '<', CPU_SHARE_MAX, {
      reference: `the highest of ${all(shares)} over ${took.toFixed(0)} s; ${blocks} blocks by the heartbeat`,
    }),
    within('idle node, resident memory', Math.max(...rss), 'MB', '<', RSS_MB_MAX, {
      reference: `the highest of ${all(rss)}`,
    }),
  ];
}

/** VmRSS of proc(5), in 10⁶ bytes. NaN where there is no /proc. */
function residentMegabytes(pid: number): number {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'latin1');
  } catch {
    return Number.NaN;
  }
  return (Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1_024) / 1e6;
}
