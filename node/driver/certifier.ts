import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { type CertifyJob, certifyRange, type Finding } from './certify.js';
import { type CertifyOrder, type Claim, createClaim, isFirst } from './claim.js';

/** Checks certificates. The caller bounds what is under way. */
export interface Certifier {
  /** `certifyRange`, perhaps in another thread. Rejects with CertifierError when that thread ends before it answers. */
  certify(job: CertifyJob): Promise<readonly Finding[]>;
  /** Does the oldest job here that no thread has begun, for a caller that would only wait. False: there is none. */
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
interface Waiting {
  readonly job: CertifyJob;
  readonly claim: Claim;
  readonly resolve: (findings: readonly Finding[]) => void;
  readonly reject: (error: CertifierError) => void;
}

interface Slot {
  readonly worker: Worker;
  /** Jobs that it was given and has not answered, oldest first. */
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
  let next = 0;
  let idle: NodeJS.Timeout | undefined;

  async function end(why: string): Promise<void> {
    const ended = slots;
    slots = [];
    const error = new CertifierError(`the threads that check certificates ended: ${why}`);
    for (const { reject } of ended.flatMap(({ waiting }) => [...waiting.values()])) reject(error);
    await Promise.all(ended.map(({ worker }) => worker.terminate()));
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
      const { worker, waiting } = slots.reduce((best, slot) =>
        slot.waiting.size < best.waiting.size ? slot : best,
      );
      const [id, claim] = [next++, createClaim()];
      worker.postMessage({ id, job, claim } satisfies CertifyOrder);
      return new Promise((resolve, reject) => waiting.set(id, { job, claim, resolve, reject }));
    },
    help: async () => {
      const all = slots.flatMap(({ waiting }) => [...waiting].map(([id, one]) => ({ id, one, waiting })));
      const free = all.sort((a, b) => a.id - b.id).find(({ one }) => isFirst(one.claim));
      if (free === undefined) return false;
      const { id, one, waiting } = free;
      waiting.delete(id);
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
