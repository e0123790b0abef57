import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type CertifyJob, certifyRange, type Finding } from './certify.js';

/** Checks certificates. The caller bounds what is under way. */
export interface Certifier {
  /** `certifyRange`, perhaps in another thread. Rejects with CertifierError when that thread ends before it answers. */
  certify(job: CertifyJob): Promise<readonly Finding[]>;
  /** Does the oldest job here that no thread has taken yet, for a caller that would only wait. False: there is none. */
  help(): Promise<boolean>;
  /** Nothing is wanted for the time being: threads end after a while, unless a job comes. */
  rest(): void;
  /** What is under way is rejected. */
  close(): Promise<void>;
}

export class CertifierError extends Error {
  override readonly name = 'CertifierError';
  readonly code = 'thread-ended';
}

/** In this thread, each job in a turn of its own: votes and requests go between. */
export const certifierHere: Certifier = {
  certify: async (job) => {
    await new Promise((resolve) => setImmediate(resolve));
    return certifyRange(job);
  },
  help: async () => false,
  rest: () => {},
  close: async () => {},
};

/** Jobs up to this size are not worth a thread that is not there yet: what the others just decided. */
const SMALL_JOB_BLOCKS = 4;
/** A thread costs half a second of CPU before it is quick; a catch-up that stops for want of peers goes on soon. */
const IDLE_MS = 10_000;
/** One core is left to execution. Memory: about 30 MB each, while a node catches up. */
const THREADS_MAX = 4;
/** Jobs that a thread has, so that it need not wait for the next. */
const DEALT_MAX = 2;

interface Waiting {
  readonly job: CertifyJob;
  readonly resolve: (findings: readonly Finding[]) => void;
  readonly reject: (error: CertifierError) => void;
}

interface Slot {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

/**
 * In threads of its own, one less than there are cores, started with the first job that is worth it and ended when
 * none has come for a while. A thread that ends takes the others along; the next job starts new ones.
 */
export function createCertifier(
  program: URL = new URL('./certifyWorker.js', import.meta.url),
  threads = Math.max(1, Math.min(THREADS_MAX, availableParallelism() - 1)),
  idleMs = IDLE_MS,
): Certifier {
  let slots: readonly Slot[] = [];
  /** Oldest first; no thread has them. */
  let queue: Waiting[] = [];
  let next = 0;
  let idle: NodeJS.Timeout | undefined;

  async function end(why: string): Promise<void> {
    const [ended, left] = [slots, queue];
    slots = [];
    queue = [];
    const error = new CertifierError(`the threads that check certificates ended: ${why}`);
    const dealt = ended.flatMap(({ waiting }) => [...waiting.values()]);
    for (const { reject } of [...dealt, ...left]) reject(error);
    await Promise.all(ended.map(({ worker }) => worker.terminate()));
  }

  function deal(): void {
    while (queue.length > 0) {
      const free = slots.reduce((best, slot) => (slot.waiting.size < best.waiting.size ? slot : best));
      if (free.waiting.size >= DEALT_MAX) return;
      const one = queue.shift()!;
      const id = next++;
      free.waiting.set(id, one);
      free.worker.postMessage({ id, job: one.job });
    }
  }

  function start(): Slot {
    const slot: Slot = { worker: new Worker(program), waiting: new Map() };
    const { worker, waiting } = slot;
    const failed = (why: string): void => {
      if (slots.includes(slot)) void end(why);
    };
    worker.on('message', ({ id, findings }: { id: number; findings: readonly Finding[] }) => {
      waiting.get(id)?.resolve(findings);
      waiting.delete(id);
      deal();
    });
    worker.on('error', (error) => failed(error.message));
    worker.on('exit', (code) => failed(`exit code ${code}`));
    return slot;
  }

  return {
    certify: (job) => {
      clearTimeout(idle);
      if (job.blocks <= SMALL_JOB_BLOCKS && slots.length === 0) return certifierHere.certify(job);
      if (slots.length === 0) slots = Array.from({ length: threads }, start);
      return new Promise((resolve, reject) => {
        queue.push({ job, resolve, reject });
        deal();
      });
    },
    help: async () => {
      const one = queue.shift();
      if (one === undefined) return false;
      await certifierHere.certify(one.job).then(one.resolve, one.reject);
      return true;
    },
    rest: () => {
      clearTimeout(idle);
      if (slots.length > 0) idle = setTimeout(() => void end('no longer wanted'), idleMs).unref();
    },
    close: () => {
      clearTimeout(idle);
      return end('the node closes');
    },
  };
}
