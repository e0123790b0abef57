import { Worker } from 'node:worker_threads';
import type { ClosingJob, Closings } from '../../contracts/index.js';
import type { RoundOutcome } from '../../fl/index.js';

/** Computes verdicts off the main thread, so that a node never misses a vote because it verifies. */
export interface Closer {
  run(job: ClosingJob): Promise<RoundOutcome>;
  /** What a leader's block shall hold of what was computed: all as it is, but with a dishonest node. */
  propose(closings: Closings): Closings;
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (outcome: RoundOutcome) => void;
  readonly reject: (error: Error) => void;
}

/** One worker; jobs wait in its queue. There are at most as many as open tasks. */
export function createCloser(): Closer {
  const worker = new Worker(new URL('./closingWorker.js', import.meta.url));
  const waiting = new Map<number, Waiting>();
  let next = 0;
  let closing = false;
  worker.on('message', ({ id, outcome }: { id: number; outcome: RoundOutcome }) => {
    waiting.get(id)?.resolve(outcome);
    waiting.delete(id);
  });
  const fail = (error: Error): void => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  // A verdict that throws is a bug on every node alike; the node stops rather than going on without one.
  worker.on('error', fail);
  worker.on('exit', (code) =>
    fail(new Error(closing ? 'the closer was closed' : `the closer ended with ${code}`)),
  );
  return {
    run: (job) =>
      new Promise((resolve, reject) => {
        const id = next++;
        waiting.set(id, { resolve, reject });
        worker.postMessage({ id, job });
      }),
    propose: (closings) => closings,
    close: async () => {
      closing = true;
      await worker.terminate();
    },
  };
}
