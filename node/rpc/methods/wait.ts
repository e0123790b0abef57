import type { CallScope } from './method.js';

/**
 * Long poll: `read` is asked now and after every change of the head until it gives something.
 *
 * Null when `waitMs` or the request's own time has passed, the caller has gone or the server closes.
 */
export async function waitUntil<T>(
  { context, waitsUntil, signal }: CallScope,
  waitMs: number,
  read: () => T | null,
): Promise<T | null> {
  const until = Math.min(waitsUntil, performance.now() + waitMs);
  for (;;) {
    const { height } = context.head();
    const found = read();
    const leftMs = until - performance.now();
    if (found !== null || leftMs <= 0 || signal.aborted) return found;
    await untilAborted(context.waitForChange({ height }, Math.ceil(leftMs)), signal);
  }
}

function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = () => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    signal.addEventListener('abort', done, { once: true });
    work.then(done, reject);
  });
}
