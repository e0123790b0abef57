/** The moments at which an open loop sends, whatever became of what it sent before: `rate` a second from 0 ms on. */
export interface Schedule {
  readonly rate: number;
  readonly count: number;
}

/** When the nth (from 0) is due, in ms. */
export function dueMs({ rate }: Schedule, nth: number): number {
  return (1_000 * nth) / rate;
}

/** How many are due at `nowMs`; never more than there are. */
export function dueBy({ rate, count }: Schedule, nowMs: number): number {
  return nowMs < 0 ? 0 : Math.min(count, Math.floor((nowMs * rate) / 1_000) + 1);
}
