import { existsSync, readFileSync } from 'node:fs';
import {
  constants,
  monitorEventLoopDelay,
  type NodeGCPerformanceDetail,
  PerformanceObserver,
} from 'node:perf_hooks';
import { applyChanges, emptyTree, type StateTree, StateVersions, treeRoot } from '../chain/index.js';
import { createYoungCollector } from '../node/store/youngCollector.js';
import { median, quantile, type Row } from './row.js';
import { keyOf, valueFrom } from './stateEntries.js';

const GOAL_MS = 50;
/** Of a loop that does nothing, for comparison. */
const IDLE_MS = 5_000;
/** Entries written at once while the state is built, so that building it makes no pause either. */
const BUILT_AT_ONCE = 1_024;

/**
 * How long the event loop stands still while states come and go: a block's writes, its root, one version in, old ones
 * out, and in a turn of its own what a store has collected then (node/store/youngCollector.ts); as fast as they can be
 * made, with nothing else between two blocks than the loop's other work.
 *
 * Three measures of the same run, because the machine may have other work: the loop's own timer
 * (`monitorEventLoopDelay`), the wall-clock time between two turns, and the time in which the main thread really ran in
 * a turn, which no other process can lengthen. Collections are within all three, and are listed by themselves. What
 * the machine does to a loop that does nothing stands beside.
 *
 * Options: --entries N (1,000,000), --blocks N (600), --writes N a block (1,024: full blocks, two keys a transaction).
 */
export async function statePauses(args: readonly string[]): Promise<readonly Row[]> {
  const option = (name: string, otherwise: number): number =>
    args.includes(name) ? Number(args[args.indexOf(name) + 1]) : otherwise;
  const entries = option('--entries', 1_000_000);
  const blocks = option('--blocks', 600);
  const perBlock = option('--writes', 1_024);
  const tree = build(entries);
  let versions = new StateVersions({ height: 0, tree });
  let dropped = 0;
  const collectYoung = createYoungCollector();
  const collect = (): void => collectYoung(perBlock);
  const busy = await measure(blocks, collect, (turn) => {
    const height = turn + 1;
    const next = applyChanges(versions.head, writes(height, perBlock, entries));
    treeRoot(next);
    const { first } = versions.held;
    versions.add({ height, tree: next, writes: perBlock });
    dropped += versions.held.first - first;
  });
  const { first, last } = versions.held;
  versions = new StateVersions({ height: last, tree: versions.head });
  const idle = await idleFor(IDLE_MS);
  const what = `${entries} entries, ${blocks} blocks of ${perBlock} writes, ${dropped} versions dropped, the last ${last - first + 1} kept`;
  return rows(busy, idle, what);
}

interface Collection {
  readonly ms: number;
  /** Of what was allocated lately; else a part of a collection of everything. */
  readonly isYoung: boolean;
}

interface Pauses {
  /** By the loop's own timer, p99 and longest. */
  readonly delayP99: number;
  readonly delayMax: number;
  /** From the end of one turn of the loop to the end of the next. */
  readonly wall: readonly number[];
  /** Of these, what the main thread ran. */
  readonly thread: readonly number[];
  readonly collections: readonly Collection[];
}

function rows(busy: Pauses, idle: readonly number[], what: string): Row[] {
  const goal = (name: string, value: number, unit: string, reference: string): Row => ({
    name,
    value,
    unit,
    goal: `<= ${GOAL_MS}`,
    met: value <= GOAL_MS,
    reference,
  });
  const [wall, thread] = [Math.max(...busy.wall), Math.max(...busy.thread)];
  const p99 = (values: readonly number[]) => quantile(values, 0.99).toFixed(1);
  return [
    goal('event loop delay, p99', busy.delayP99, 'ms by the wall clock', what),
    goal(
      'event loop delay, longest',
      busy.delayMax,
      'ms by the wall clock',
      `idle loop ${Math.max(...idle).toFixed(1)}`,
    ),
    goal(
      'turn of the loop, p99',
      quantile(busy.wall, 0.99),
      'ms by the wall clock',
      `p50 ${median(busy.wall).toFixed(1)}; idle loop ${p99(idle)}`,
    ),
    goal(
      'turn of the loop, longest',
      wall,
      'ms by the wall clock',
      `idle loop ${Math.max(...idle).toFixed(1)}`,
    ),
    goal(
      'turn of the loop, longest',
      thread,
      'ms of its thread',
      `p50 ${median(busy.thread).toFixed(1)}, p99 ${p99(busy.thread)}; ticks of 4 ms`,
    ),
    ...[true, false].map((isYoung) => {
      const found = busy.collections.filter((each) => each.isYoung === isYoung).map(({ ms }) => ms);
      const all = found.reduce((sum, ms) => sum + ms, 0);
      return goal(
        `collection, ${isYoung ? 'young' : 'old'}, longest`,
        Math.max(0, ...found),
        'ms by the wall clock',
        `${found.length} of them, ${all.toFixed(0)} ms in all; part of the turns above`,
      );
    }),
  ];
}

async function measure(turns: number, behind: () => void, work: (turn: number) => void): Promise<Pauses> {
  const collections: Collection[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const { kind } = (entry as unknown as { readonly detail: NodeGCPerformanceDetail }).detail;
      collections.push({ ms: entry.duration, isYoung: kind === constants.NODE_PERFORMANCE_GC_MINOR });
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const [wall, thread]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < turns; turn += 1) {
    // As in a store: what follows on a block has a turn of its own, when the block is on disk.
    for (const step of [() => work(turn), behind]) {
      const [at, ran] = [performance.now(), threadMs()];
      step();
      // A node's other work has its turn here, and the observers.
      await new Promise((resolve) => setImmediate(resolve));
      wall.push(performance.now() - at);
      thread.push(threadMs() - ran);
    }
  }
  delay.disable();
  observer.disconnect();
  const [delayP99, delayMax] = [delay.percentile(99) / 1e6, delay.max / 1e6];
  return { delayP99, delayMax, wall, thread, collections };
}

/** Turns of the loop, a millisecond each, in which nothing happens for so long. */
async function idleFor(ms: number): Promise<readonly number[]> {
  const wall: number[] = [];
  const end = performance.now() + ms;
  while (performance.now() < end) {
    const at = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 1));
    wall.push(performance.now() - at);
  }
  return wall;
}

function build(entries: number): StateTree {
  let tree = emptyTree;
  for (let from = 0; from < entries; from += BUILT_AT_ONCE) {
    const changes = new Map<string, Uint8Array>();
    for (let i = from; i < Math.min(entries, from + BUILT_AT_ONCE); i += 1)
      changes.set(keyOf(i), valueFrom(i));
    tree = applyChanges(tree, changes);
  }
  treeRoot(tree);
  return tree;
}

/** Half to entries that are there, all over the tree; a quarter new ones, a quarter of the older new ones away. */
function writes(height: number, count: number, entries: number): Map<string, Uint8Array | null> {
  const changes = new Map<string, Uint8Array | null>();
  const quarter = Math.floor(count / 4);
  for (let i = 0; i < count - 2 * quarter; i += 1) {
    changes.set(keyOf((height * 7_919 + i * 97_301) % entries), valueFrom(height + i));
  }
  for (let i = 0; i < quarter; i += 1) {
    changes.set(keyOf(entries + height * quarter + i), valueFrom(i));
    if (height > 1) changes.set(keyOf(entries + (height - 1) * quarter + i), null);
  }
  return changes;
}

/** Time that this thread has run, in steps of the scheduler's tick (4 ms); where Linux does not tell, the wall clock's. */
function threadMs(): number {
  if (!existsSync(SCHEDULED)) return performance.now();
  return Number(readFileSync(SCHEDULED, 'latin1').split(' ')[0]) / 1e6;
}
const SCHEDULED = '/proc/thread-self/schedstat';
