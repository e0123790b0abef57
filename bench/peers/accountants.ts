import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { SampledGaussian } from '../../fl/index.js';

const run = promisify(execFile);
const INSTALL_MS = 600_000;
const ANSWER_MS = 1_800_000;

export interface Case extends SampledGaussian {
  readonly delta: number;
  readonly orders: readonly number[];
  /** The peer's discretisation of the privacy loss. */
  readonly interval: number;
}

/** Rényi divergences (Google's at the whole orders only) and ε bounds from above and below; null: infinite. */
export interface Answer {
  readonly opacus: readonly number[];
  readonly google: readonly number[];
  readonly pessimistic: number | null;
  readonly optimistic: number | null;
}

/** A Python with the pinned peers in the user's cache, or why there is none. Installed once. */
export async function findPeers(): Promise<{ readonly python: string } | { readonly missing: string }> {
  const folder = join(
    process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'),
    'consilium-bench',
    'accountants-1',
  );
  const python = join(folder, 'bin', 'python');
  const ready = join(folder, 'ready');
  if (existsSync(ready)) return { python };
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  process.stderr.write('installing dp-accounting and opacus (once, a minute)\n');
  const install = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
  try {
    await run('python3', ['-m', 'venv', folder], { timeout: INSTALL_MS });
    await run(python, [...install, '--requirement', beside('requirements.txt')], { timeout: INSTALL_MS });
  } catch (error) {
    return {
      missing: String((error as Error).message)
        .split('\n')
        .slice(0, 3)
        .join(' ')
        .slice(0, 300),
    };
  }
  writeFileSync(ready, '');
  return { python };
}

/** What the peers say, case by case. */
export async function askPeers(python: string, cases: readonly Case[]): Promise<readonly Answer[]> {
  const child = spawn(python, [beside('peers.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: ANSWER_MS,
    killSignal: 'SIGKILL',
  });
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  child.stdin.end(cases.map((each) => `${JSON.stringify(each)}\n`).join(''));
  const answers: Answer[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    answers.push(JSON.parse(line) as Answer);
    if (answers.length % 20 === 0) process.stderr.write(`${answers.length} of ${cases.length}\n`);
  }
  const code = await exit;
  if (code !== 0 || answers.length !== cases.length) {
    throw new Error(`the peers stopped with ${code} after ${answers.length} of ${cases.length} cases`);
  }
  return answers;
}

/** Beside the sources, also when this runs from dist/. */
function beside(name: string): string {
  const here = fileURLToPath(new URL(`./accountants/${name}`, import.meta.url));
  return existsSync(here)
    ? here
    : fileURLToPath(new URL(`../../../bench/peers/accountants/${name}`, import.meta.url));
}
