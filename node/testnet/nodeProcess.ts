import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isPortFree, type NetworkFolder } from '../provision/index.js';
import { withoutSettings } from '../settings/index.js';
import { TestnetError } from './error.js';
import { removePidFile, runningPid, writePidFile } from './pidFile.js';

export const READY_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
const KILL_TIMEOUT_MS = 5_000;
const POLL_MS = 20;
const LOG_TAIL_CHARS = 600;

export interface StartOptions {
  /** The node ends when this process ends, however it ends. Else it outlives it. */
  readonly withParent: boolean;
  readonly readyTimeoutMs?: number;
  /** Ends the waiting; the process is killed. */
  readonly signal?: AbortSignal;
  /** The program and its first arguments; `node start --config FILE` follows. This very program if not given. */
  readonly program?: readonly string[];
}

/** A validator's process that was started by this one. */
export interface NodeProcess {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<void>;
}

/**
 * Starts one validator of a network as a process of its own and waits until it says that it is ready.
 *
 * Its structured log goes to DIR/nodes/NAME/node.log, its process id to node.pid there. It gets a process group
 * of its own, so that Ctrl-C reaches only the program that started it.
 * Throws TestnetError "already-running", "port-in-use", "node-failed", "not-ready", "unknown-node"; whatever the
 * fault, no process is left behind.
 */
export async function startNodeProcess(
  network: NetworkFolder,
  name: string,
  options: StartOptions,
): Promise<NodeProcess> {
  const { folder, ports } = placeOf(network, name);
  const pidFile = join(folder, 'node.pid');
  if (runningPid(pidFile) !== null) throw new TestnetError('already-running', `${name} is running already`);
  await requirePorts(name, ports);
  options.signal?.throwIfAborted();
  const child = spawnNode(folder, options);
  const exited = exitOf(child);
  try {
    await ready(child, exited, name, folder, options);
  } catch (error) {
    child.kill('SIGKILL');
    await exited;
    removePidFile(pidFile);
    throw error;
  }
  // The pipe was for one line; from here on nothing of the child keeps this process alive.
  child.stdout!.destroy();
  child.unref();
  (child.stdin as Socket | null)?.unref();
  return { name, pid: child.pid!, exited };
}

/** The id of the process that runs this node, or null. Also of one that another process started. */
export function nodePid(network: NetworkFolder, name: string): number | null {
  return runningPid(join(placeOf(network, name).folder, 'node.pid'));
}

/** Ends a node's process: SIGTERM, and SIGKILL if it does not end in time. False if it was not running. */
export async function stopNodeProcess(network: NetworkFolder, name: string): Promise<boolean> {
  return (
    (await end(network, name, 'SIGTERM', STOP_TIMEOUT_MS)) ??
    (await end(network, name, 'SIGKILL', KILL_TIMEOUT_MS)) ??
    doesNotEnd(name)
  );
}

/** Ends a node's process as a crash would: SIGKILL. False if it was not running. */
export async function killNodeProcess(network: NetworkFolder, name: string): Promise<boolean> {
  return (await end(network, name, 'SIGKILL', KILL_TIMEOUT_MS)) ?? doesNotEnd(name);
}

/** True: it ended; false: it did not run; null: it still runs after the time. Only ever the recorded process. */
async function end(
  network: NetworkFolder,
  name: string,
  signal: NodeJS.Signals,
  timeoutMs: number,
): Promise<boolean | null> {
  const pidFile = join(placeOf(network, name).folder, 'node.pid');
  const pid = runningPid(pidFile);
  if (pid !== null) signalTo(pid, signal);
  // Not always a child of this process, so there is no exit event to wait for.
  for (let waited = 0; runningPid(pidFile) !== null; waited += POLL_MS) {
    if (waited >= timeoutMs) return null;
    await delay(POLL_MS);
  }
  removePidFile(pidFile);
  return pid !== null;
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error; // it has just ended by itself
  }
}

function doesNotEnd(name: string): never {
  throw new TestnetError('does-not-end', `${name} does not end`);
}

function placeOf(network: NetworkFolder, name: string): { folder: string; ports: number[] } {
  const node = network.file.nodes.find((other) => other.name === name);
  if (node === undefined) {
    const known = network.file.nodes.map((other) => other.name).join(', ');
    throw new TestnetError(
      'unknown-node',
      `there is no validator ${name} in this network (there are ${known})`,
    );
  }
  const ports = [Number(new URL(node.rpc).port), Number(node.p2p.split('/').at(-1))];
  return { folder: join(network.dir, node.folder), ports };
}

async function requirePorts(name: string, ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    if (await isPortFree(port)) continue;
    const advice = 'stop what uses it, or provision into a fresh folder';
    throw new TestnetError('port-in-use', `port ${port} of ${name} is in use: ${advice}`);
  }
}

function spawnNode(folder: string, { withParent, program = ownProgram() }: StartOptions): ChildProcess {
  const log = openSync(join(folder, 'node.log'), 'a', 0o600);
  const [command, ...first] = program;
  const args = [...first, 'node', 'start', '--config', join(folder, 'config.json')];
  try {
    return spawn(command!, withParent ? [...args, '--with-parent'] : args, {
      detached: true,
      env: withoutSettings(process.env),
      stdio: [withParent ? 'pipe' : 'ignore', 'pipe', log],
    });
  } finally {
    closeSync(log); // the child has its own copy
  }
}

/**
 * Half of what a node allocates lives for one message: with more room for the young, the collector copies less of it
 * (p50 finality in the demo: 255 ms instead of 288). Costs up to 96 MiB a process.
 */
export const YOUNG_SPACE = '--max-semi-space-size=32';

function ownProgram(): readonly string[] {
  return [process.execPath, YOUNG_SPACE, fileURLToPath(new URL('../cli/main.js', import.meta.url))];
}

function exitOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve()); // it never started; `ready` tells why
  });
}

async function ready(
  child: ChildProcess,
  exited: Promise<void>,
  name: string,
  folder: string,
  { readyTimeoutMs = READY_TIMEOUT_MS, signal }: StartOptions,
): Promise<void> {
  const started = new Promise<void>((resolve, reject) => {
    child.once('error', (error) => reject(new TestnetError('node-failed', `${name}: ${error.message}`)));
    child.once('spawn', resolve);
  });
  await started;
  writePidFile(join(folder, 'node.pid'), child.pid!);
  const bound = AbortSignal.any([
    AbortSignal.timeout(readyTimeoutMs),
    ...(signal === undefined ? [] : [signal]),
  ]);
  const lines = createInterface({ input: child.stdout! });
  const said = new Promise<'ready'>((resolve) => {
    lines.on('line', (line) => isReadyLine(line) && resolve('ready'));
  });
  const over = new Promise<'over'>((resolve) => {
    if (bound.aborted) resolve('over');
    bound.addEventListener('abort', () => resolve('over'), { once: true });
  });
  const outcome = await Promise.race([said, exited.then(() => 'exited' as const), over]);
  lines.close();
  if (outcome === 'exited') {
    const code = child.exitCode;
    throw new TestnetError('node-failed', `${name} ended before it was ready: ${logTail(folder)}`, code);
  }
  if (outcome === 'ready') return;
  signal?.throwIfAborted();
  throw new TestnetError('not-ready', `${name} was not ready after ${readyTimeoutMs} ms: ${logTail(folder)}`);
}

function isReadyLine(line: string): boolean {
  try {
    return (JSON.parse(line) as { event?: unknown } | null)?.event === 'ready';
  } catch {
    return false; // some other line
  }
}

/** What the node said last, for the message; the whole log is beside. */
function logTail(folder: string): string {
  const file = join(folder, 'node.log');
  const text = readFileSync(file, 'utf8').trim();
  const tail = text === '' ? 'it logged nothing' : text.slice(-LOG_TAIL_CHARS);
  return `${tail}\n(log: ${file})`;
}
