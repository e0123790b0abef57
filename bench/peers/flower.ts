import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const INSTALL_MS = 900_000;
const RUN_MS = 900_000;

export interface FlowerJob {
  readonly shards: readonly { readonly x: readonly (readonly number[])[]; readonly y: readonly number[] }[];
  readonly test: { readonly x: readonly (readonly number[])[]; readonly y: readonly number[] };
  readonly rounds: number;
  readonly sigma: number;
  readonly clip: number;
  readonly learningRate: number;
}

export interface FlowerRun {
  readonly version: string;
  /** From the start of the program, imports and all, to the end of the simulation. */
  readonly seconds: number;
  readonly roundSeconds: number;
  /** Rounds in which every client answered. */
  readonly rounds: number;
  readonly accuracy: number;
}

/** A Python with the pinned Flower in the user's cache, or why there is none. Installed once. */
export async function findFlower(): Promise<{ readonly python: string } | { readonly missing: string }> {
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'consilium-bench');
  const folder = join(cache, 'flower-1');
  const python = join(folder, 'bin', 'python');
  const ready = join(folder, 'ready');
  if (existsSync(ready)) return { python };
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  process.stderr.write('installing Flower (once, minutes)\n');
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
  try {
    await run('python3', ['-m', 'venv', folder], { timeout: INSTALL_MS });
    await run(python, [...install, '--requirement', beside('requirements.txt')], { timeout: INSTALL_MS });
  } catch (error) {
    return { missing: (error as Error).message.split('\n').slice(0, 3).join(' ').slice(0, 300) };
  }
  writeFileSync(ready, '');
  return { python };
}

/** One simulation from first import to last round; one client on each core at a time. */
export async function runFlower(python: string, job: FlowerJob): Promise<FlowerRun> {
  const folder = mkdtempSync(join(tmpdir(), 'consilium-flower-'));
  try {
    const file = join(folder, 'job.json');
    writeFileSync(file, JSON.stringify({ ...job, cpus: availableParallelism() }));
    const quiet = { FLWR_TELEMETRY_ENABLED: '0', RAY_USAGE_STATS_ENABLED: '0', RAY_TMPDIR: folder };
    const { stdout } = await run(python, [beside('pima.py'), file], {
      timeout: RUN_MS,
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, ...quiet, FLWR_HOME: folder },
    });
    return JSON.parse(stdout.trim().split('\n').at(-1)!) as FlowerRun;
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Beside the sources, also when this runs from dist/. */
function beside(name: string): string {
  const here = fileURLToPath(new URL(`./flower/${name}`, import.meta.url));
  return existsSync(here)
    ? here
    : fileURLToPath(new URL(`../../../bench/peers/flower/${name}`, import.meta.url));
}
