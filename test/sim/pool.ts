import { Worker } from 'node:worker_threads';
import { type Batch, runBatch, type Tally } from './task.js';

/** Runs batches on so many threads, in order; the tallies come back in the same order. Needs the compiled files. */
export async function runBatches(batches: readonly Batch[], workers: number): Promise<readonly Tally[]> {
  if (workers <= 1 || batches.length <= 1) return batches.map(runBatch);
  const tallies: Tally[] = [];
  let next = 0;
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(new URL('./worker.js', import.meta.url), {
        // A run makes garbage and keeps nothing: a large nursery collects it for free.
        resourceLimits: { maxYoungGenerationSizeMb: 64 },
      });
      let at = -1;
      const give = () => {
        at = next++;
        const batch = batches[at];
        if (batch) worker.postMessage(batch);
        else void worker.terminate().then(() => resolve());
      };
      worker.on('message', (tally: Tally) => {
        tallies[at] = tally;
        give();
      });
      worker.on('error', reject);
      give();
    });
  await Promise.all(Array.from({ length: Math.min(workers, batches.length) }, work));
  return tallies;
}
