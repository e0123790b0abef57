import { parentPort } from 'node:worker_threads';
import { type ClosingJob, runClosing } from '../../contracts/index.js';

parentPort?.on('message', ({ id, job }: { id: number; job: ClosingJob }) => {
  parentPort?.postMessage({ id, outcome: runClosing(job) });
});
