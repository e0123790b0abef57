import { NetError } from './errors.js';

/** Longest wait that a Node timer can hold. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/**
 * Aborts signals when time is up or when the owner closes: one per transport, so that `close` leaves no timer and no
 * wait behind. A signal's reason is a NetError, "timeout" or "closed".
 */
export class Deadlines {
  readonly #open = new Set<AbortController>();
  #closed = false;

  /** Runs `work` with a signal that aborts after `timeoutMs`; rejects at that moment even if `work` ignores it. */
  async within<T>(timeoutMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#closed) throw closedError();
    const controller = new AbortController();
    this.#open.add(controller);
    const timer = setTimeout(
      () => controller.abort(new NetError('timeout', `no answer within ${timeoutMs} ms`)),
      Math.min(timeoutMs, TIMER_MS_MAX),
    );
    try {
      return await new Promise<T>((resolve, reject) => {
        controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true });
        work(controller.signal).then(resolve, reject);
      });
    } finally {
      clearTimeout(timer);
      this.#open.delete(controller);
    }
  }

  close(): void {
    this.#closed = true;
    for (const controller of this.#open) controller.abort(closedError());
  }
}

function closedError(): NetError {
  return new NetError('closed', 'transport stopped');
}
