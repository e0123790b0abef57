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

/** One worker, started with the first job; jobs wait in its queue. There are at most as many as open tasks. */
export function createCloser(): Closer {
  let worker: Worker | null = null;
  const waiting = new Map<number, Waiting>();
  let next = 0;
  let closing = false;
  const fail = (error: Error): void => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  function start(): Worker {
    const started = new Worker(new URL('./closingWorker.js', import.meta.url));
    started.on('message', ({ id, outcome }: { id: number; outcome: RoundOutcome }) => {
      waiting.get(id)?.resolve(outcome);
      waiting.delete(id);
    });
    // A verdict that throws is a bug on every node alike; the node stops rather than going on without one.
    started.on('error', fail);
    started.on('exit', (code) =>
      fail(new Error(closing ? 'the closer was closed' : `the closer ended with ${code}`)),
    );
    return started;
  }
  return {
    run: (job) =>
      new Promise((resolve, reject) => {
        if (closing) throw new Error('the closer was closed');
        const id = next++;
        waiting.set(id, { resolve, reject });
        worker ??= start();
        worker.postMessage({ id, job });
      }),
    propose: (closings) => closings,
    close: async () => {
      closing = true;
      await worker?.terminate();
    },
  };
}
