import { parentPort } from 'node:worker_threads';
import { type Batch, runBatch } from './task.js';

/** A thread of `pool.ts`: a batch comes in, its tally goes out. */
parentPort!.on('message', (batch: Batch) => parentPort!.postMessage(runBatch(batch)));
