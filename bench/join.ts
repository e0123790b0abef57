import { type ChildProcess, fork } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PeerAddress } from '../net/index.js';
import { writeBenchChain } from './join/chain.js';
import type { JoinFigures } from './join/joiner.js';
import type { Row } from './row.js';

const SERVERS = 2;
const GOAL_S = 10;

/** Joining by a snapshot: npm run bench -- join [HEIGHTS, 100,000 if not given]. */
export function join(args: readonly string[]): Promise<readonly Row[]> {
  return joinBySnapshot(Number(args[0] ?? 100_000));
}

/**
 * A node with nothing but the genesis joins a chain of so many heights, one transaction each, from two validators over
 * loopback; each of the three is a process of its own. Measured from the first dial to the opened chain folder.
 *
 * `folder`: of a chain that `writeBenchChain` has written; without one it is written first, some 2 ms a block.
 */
export async function joinBySnapshot(heights: number, folder: string | null = null): Promise<readonly Row[]> {
  const place = mkdtempSync(joinPath(tmpdir(), 'consilium-bench-join-'));
  const children: ChildProcess[] = [];
  const start = (script: string, ...args: readonly string[]): ChildProcess => {
    const file = fileURLToPath(new URL(`./join/${script}.js`, import.meta.url));
    const child = fork(file, [...args], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    children.push(child);
    return child;
  };
  try {
    const history = folder ?? joinPath(place, 'history');
    if (folder === null) await writeBenchChain(history, heights);
    const peers: PeerAddress[] = [];
    for (let i = 0; i < SERVERS; i += 1) {
      const path = joinPath(place, `server-${i}`);
      cpSync(history, path, { recursive: true });
      peers.push(await said<PeerAddress>(start('server', path, `${i}`)));
    }
    const joiner = start('joiner', joinPath(place, 'joined'), JSON.stringify(peers));
    return rows(heights, await said<JoinFigures>(joiner));
  } finally {
    for (const child of children) child.kill('SIGKILL');
    rmSync(place, { recursive: true, force: true });
  }
}

function rows(heights: number, figures: JoinFigures): readonly Row[] {
  const { height, wallMs, cpuMs, headerMs, stateMs } = figures;
  const seconds = wallMs / 1_000;
  const isGoal = heights === 100_000;
  return [
    {
      name: `join by snapshot at ${heights} blocks`,
      value: seconds,
      unit: 's',
      goal: isGoal ? `<= ${GOAL_S} s` : null,
      met: isGoal ? seconds <= GOAL_S : null,
      reference: `${(cpuMs / 1_000).toFixed(2)} s of CPU; header ${height} proved after ${headerMs} ms, state after ${stateMs} ms`,
    },
  ];
}

/** What a child says first. */
function said<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve(message as T));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`a process of the bench ended with ${code}`)));
  });
}
