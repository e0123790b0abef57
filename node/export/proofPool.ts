import { Worker } from 'node:worker_threads';
import type { ProofClaim } from '../../audit/index.js';
import { ExportError } from './error.js';

export const PROOF_THREADS_MAX = 64;

/** Checks proofs in worker threads. */
export interface ProofPool {
  readonly threads: number;
  /**
   * One answer a claim, in their order. Rejects with ExportError "worker-failed" when the worker ends before it
   * answers; the pool is then of no further use. The caller bounds what is under way.
   */
  check(claims: readonly ProofClaim[]): Promise<readonly boolean[]>;
  /** What is under way is rejected. */
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (answers: readonly boolean[]) => void;
  readonly reject: (error: ExportError) => void;
}

interface Slot {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

/** Starts so many workers, 1 to PROOF_THREADS_MAX: about one a core. Memory: about 30 MB each. */
export function createProofPool(
  threads: number,
  program: URL = new URL('./proofWorker.js', import.meta.url),
): ProofPool {
  let next = 0;
  let failure: ExportError | null = null;
  const slots: readonly Slot[] = Array.from({ length: threads }, () => ({
    worker: new Worker(program),
    waiting: new Map(),
  }));
  const fail = (why: string, cause?: Error): void => {
    const message = `a worker that checks signatures ended: ${why}. Nothing is proved; run it again, with --threads 0 if it stays`;
    failure ??= new ExportError('worker-failed', message, { cause });
    for (const { waiting } of slots) {
      for (const { reject } of waiting.values()) reject(failure);
      waiting.clear();
    }
  };
  for (const { worker, waiting } of slots) {
    worker.on('message', ({ id, answers }: { id: number; answers: readonly boolean[] }) => {
      waiting.get(id)?.resolve(answers);
      waiting.delete(id);
    });
    worker.on('error', (error) => fail(error.message, error));
    worker.on('messageerror', (error) => fail(error.message, error));
    worker.on('exit', (code) => fail(`exit code ${code}`));
  }
  return {
    threads,
    check: (claims) =>
      new Promise((resolve, reject) => {
        if (failure !== null) return reject(failure);
        const free = slots.reduce((best, slot) => (slot.waiting.size < best.waiting.size ? slot : best));
        const id = next++;
        free.waiting.set(id, { resolve, reject });
        free.worker.postMessage({ id, claims });
      }),
    close: async () => {
      await Promise.all(slots.map(({ worker }) => worker.terminate()));
    },
  };
}
