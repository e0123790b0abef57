import { Worker } from 'node:worker_threads';
import { readState } from '../../chain/index.js';
import type { Tip } from '../../consensus/index.js';
import { type ClosingJob, type Closings, closingJob, dueClosings } from '../../contracts/index.js';
import type { RoundOutcome } from '../../fl/index.js';
import type { Store } from '../store/index.js';

/** Computes verdicts off the main thread, so that a node never misses a vote because it verifies. */
export interface Closer {
  run(job: ClosingJob): Promise<RoundOutcome>;
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
    close: async () => {
      closing = true;
      await worker.terminate();
    },
  };
}

/** The outcomes that the block after `tip` begins with. Most have none: then nothing is computed. */
export async function computeClosings(
  store: Pick<Store, 'payload'>,
  closer: Pick<Closer, 'run'>,
  tip: Tip,
): Promise<Closings> {
  const outcomes = new Map<string, RoundOutcome>();
  for (const due of dueClosings(readState(tip.state), tip.height, tip.time)) {
    if (!due.quorate) continue;
    const job = closingJob(due, (id) => store.payload(id));
    if (job === null) throw new Error(`a payload of the due closing ${due.id} is missing from the store`);
    outcomes.set(due.id, await closer.run(job));
  }
  return outcomes;
}
