import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const STEPS_MS = 600_000;

/** The distribution's Python first: its packages are not those of a Python that a user installed. */
const PYTHONS = ['/usr/bin/python3', 'python3'];

export interface TorchTimes {
  /** Milliseconds of each measured step. */
  readonly cpu: readonly number[];
  readonly wall: readonly number[];
  readonly parameters: number;
}

export interface Torch {
  readonly python: string;
  readonly version: string;
}

/** A Python that has PyTorch, or why there is none. */
export async function findTorch(): Promise<Torch | { readonly missing: string }> {
  for (const python of PYTHONS) {
    try {
      const { stdout } = await run(python, ['-c', 'import torch; print(torch.__version__)'], {
        timeout: STEPS_MS,
      });
      return { python, version: stdout.trim() };
    } catch {
      // the next one, or none
    }
  }
  return { missing: 'no Python here has PyTorch (Debian: apt-get install python3-torch)' };
}

/** One training step of a model (forward, backward, SGD, no clipping) at batch 64 on one thread, many times. */
export async function torchSteps(
  { python }: Torch,
  model: 'dense' | 'cnn',
  warm: number,
  steps: number,
): Promise<TorchTimes> {
  const program = beside('step.py');
  const env = { ...process.env, OMP_NUM_THREADS: '1', MKL_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' };
  const { stdout } = await run(python, [program, `${warm}`, `${steps}`, model], { timeout: STEPS_MS, env });
  return (JSON.parse(stdout) as Record<typeof model, TorchTimes>)[model];
}

/** Beside the sources, also when this runs from dist/. */
function beside(name: string): string {
  const here = fileURLToPath(new URL(`./torch/${name}`, import.meta.url));
  return existsSync(here)
    ? here
    : fileURLToPath(new URL(`../../../bench/peers/torch/${name}`, import.meta.url));
}
