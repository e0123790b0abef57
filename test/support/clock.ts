import type { Clock } from '../../node/driver/clock.js';

/** Time that stands still until a test moves it; one for a whole network. */
export class TestClock implements Clock {
  /** What the machine believes beyond what has passed. */
  #wall: number;
  #passed = 0;
  #timers: { readonly at: number; readonly fire: () => void }[] = [];

  constructor(now = 1_800_000_000_000) {
    this.#wall = now;
  }

  now(): number {
    return this.#wall + this.#passed;
  }

  monotonic(): number {
    return this.#passed;
  }

  /** Somebody sets the machine's clock; negative: back. Timers don't notice. */
  set(byMs: number): void {
    this.#wall += byMs;
  }

  after(ms: number, fire: () => void): () => void {
    // Whole milliseconds, as the system's: a block has no other time, and the driver's jitter is no whole number.
    const timer = { at: this.#passed + Math.max(0, Math.ceil(ms)), fire };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** When the next timer is due, as `now` tells it; null if none is set. */
  get next(): number | null {
    return this.#timers.length === 0 ? null : this.#wall + Math.min(...this.#timers.map(({ at }) => at));
  }

  /** Moves the time on, and fires what is due by then, in order. */
  advance(ms: number): void {
    const end = this.#passed + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#passed = Math.max(this.#passed, due.at);
      this.#timers = this.#timers.filter((other) => other !== due);
      due.fire();
    }
    this.#passed = end;
  }
}
