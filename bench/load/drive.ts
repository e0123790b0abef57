import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cpuSeconds } from './cpu.js';
import type { FromLoad, LoadJob, LoadReport, ToLoad } from './message.js';
import type { Progress, System } from './system.js';

const POLL_MS = 20;
const READY_MS = 300_000;
const DONE_MS = 90_000;

/** What was measured between two moments. */
export interface Measured {
  /** The window, in ms since the system was started. */
  readonly fromMs: number;
  readonly toMs: number;
  readonly seconds: number;
  readonly transactions: number;
  readonly blocks: number;
  readonly emptyBlocks: number;
  /** CPU seconds of each process of the system, and of the load. */
  readonly cpu: readonly { readonly name: string; readonly seconds: number }[];
  /** As the nodes measure it; null where they don't. */
  readonly finality: { readonly p50: number; readonly p95: number } | null;
  readonly transactionBytes: number;
  readonly load: LoadReport;
}

/**
 * Puts a system under one load and measures: for `window.seconds` after `window.warmUpSeconds`, or until the load
 * ends by itself (window null). The load runs in a process of its own.
 */
export async function drive(
  system: System,
  job: Pick<LoadJob, 'accounts' | 'classes' | 'shape'>,
  window: { readonly warmUpSeconds: number; readonly seconds: number } | null,
): Promise<Measured> {
  const { dialect, urls, chainId } = system;
  const child = fork(fileURLToPath(new URL('./worker.js', import.meta.url)), [
    JSON.stringify({ dialect, urls, chainId, ...job } satisfies LoadJob),
  ]);
  const stop = new AbortController();
  try {
    const transactionBytes = await told(child, READY_MS, (message) =>
      message.kind === 'ready' ? message.transactionBytes : null,
    );
    const report = told(child, Number.POSITIVE_INFINITY, (message) =>
      message.kind === 'done' ? message.report : null,
    );
    report.catch(() => {}); // told below
    const feeding = feed(child, system, stop.signal);
    tell(child, { kind: 'go' });
    if (window !== null) await delay(window.warmUpSeconds * 1_000);
    tell(child, { kind: 'measure' });
    const before = await look(system, child);
    await (window === null ? report : Promise.race([delay(window.seconds * 1_000), report]));
    const after = await look(system, child);
    const finality = await system.finality();
    tell(child, { kind: 'stop' });
    const load = await Promise.race([report, giveUp(DONE_MS)]);
    stop.abort();
    await feeding;
    const since = system.startedAt;
    const [fromMs, toMs] = [before.at - since, after.at - since];
    return { fromMs, toMs, ...difference(before, after), finality, transactionBytes, load };
  } finally {
    stop.abort();
    child.kill('SIGKILL');
  }
}

interface Look {
  readonly at: number;
  readonly progress: Progress;
  readonly cpu: readonly { readonly name: string; readonly seconds: number }[];
}

async function look(system: System, child: ChildProcess): Promise<Look> {
  const progress = await system.progress();
  const processes = [...system.processes, { name: 'load', pid: child.pid! }];
  const cpu = processes.map(({ name, pid }) => ({ name, seconds: cpuSeconds(pid) }));
  return { at: performance.now(), progress, cpu };
}

function difference(before: Look, after: Look) {
  return {
    seconds: (after.at - before.at) / 1_000,
    transactions: after.progress.transactions - before.progress.transactions,
    blocks: after.progress.height - before.progress.height,
    emptyBlocks: after.progress.emptyBlocks - before.progress.emptyBlocks,
    cpu: after.cpu.map(({ name, seconds }, i) => ({ name, seconds: seconds - before.cpu[i]!.seconds })),
  };
}

/** Tells the load how far the chain is, so that it knows how much is on its way. */
async function feed(child: ChildProcess, system: System, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { transactions } = await system.progress();
    tell(child, { kind: 'committed', total: transactions });
    await delay(POLL_MS);
  }
}

function tell(child: ChildProcess, message: ToLoad): void {
  if (child.connected) child.send(message);
}

/** Resolves with the first message that `pick` takes. Rejects when the load fails, ends, or the time is over. */
function told<T>(child: ChildProcess, withinMs: number, pick: (message: FromLoad) => T | null): Promise<T> {
  return new Promise((resolve, reject) => {
    if (Number.isFinite(withinMs)) giveUp(withinMs).catch(reject);
    child.on('message', (message: FromLoad) => {
      if (message.kind === 'failed') reject(new Error(`the load failed: ${message.reason}`));
      const picked = pick(message);
      if (picked !== null) resolve(picked);
    });
    child.once('exit', (code) => reject(new Error(`the load process ended with ${code}`)));
  });
}

async function giveUp(afterMs: number): Promise<never> {
  await delay(afterMs, undefined, { ref: false });
  throw new Error(`the load said nothing for ${afterMs / 1_000} s`);
}
