import type { Clock } from '../../node/driver/clock.js';

/** Time that stands still until a test moves it; one for a whole network. */
export class TestClock implements Clock {
  #now: number;
  #timers: { readonly at: number; readonly fire: () => void }[] = [];

  constructor(now = 1_800_000_000_000) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, fire: () => void): () => void {
    // Whole milliseconds, as the system's: a block has no other time, and the driver's jitter is no whole number.
    const timer = { at: this.#now + Math.max(0, Math.ceil(ms)), fire };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** When the next timer is due; null if none is set. */
  get next(): number | null {
    return this.#timers.length === 0 ? null : Math.min(...this.#timers.map(({ at }) => at));
  }

  /** Moves the time on, and fires what is due by then, in order. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#now = Math.max(this.#now, due.at);
      this.#timers = this.#timers.filter((other) => other !== due);
      due.fire();
    }
    this.#now = end;
  }
}
