import type { RpcContext } from '../context.js';
import type { CallScope } from './method.js';

const PAUSE_MS = 25;

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
    await untilChanged(context, height, Math.ceil(leftMs), signal);
  }
}

/** Resolves when the head is above this height, when the time has passed, or with the signal. Never rejects. */
export async function untilChanged(
  context: RpcContext,
  height: number,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<void> {
  await untilAborted(context.waitForChange({ height }, timeoutMs), signal);
  // A node with too many waiters answers at once: asking it again without a pause would starve it.
  if (context.head().height === height) await untilAborted(pause(Math.min(PAUSE_MS, timeoutMs)), signal);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
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
