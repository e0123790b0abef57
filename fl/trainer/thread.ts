import { Worker } from 'node:worker_threads';
import type { Reply, Request } from './message.js';

/** A thread that trains, as its owner sees it. It has a second form for browsers, browser/thread.ts. */
export interface Thread {
  post(request: Request): void;
  /** Stops it at once; resolves when it has stopped. */
  end(): Promise<unknown>;
}

export interface ThreadEvents {
  answered(reply: Reply): void;
  /** It died, or was ended. May be told twice. */
  lost(cause: unknown): void;
}

export function startThread({ answered, lost }: ThreadEvents): Thread {
  const worker = new Worker(new URL('./worker.js', import.meta.url));
  worker.on('message', answered);
  worker.on('error', lost);
  worker.on('exit', (code) => lost(new Error(`exit code ${code}`)));
  return { post: (request) => worker.postMessage(request), end: () => worker.terminate() };
}
