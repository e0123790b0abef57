import type { Clock } from './clock.js';

/** A leader that waits for a quarter of the deadline is still heard in time. */
const DEADLINE_SHARE = 4;

/**
 * Keeps heights so many milliseconds apart, from one's beginning to the next's. It decides speed, never validity.
 *
 * A block costs each node some milliseconds whatever is in it, for its messages most of all. Without a pace the next one
 * begins as soon as a single transaction waits, and a chain with little to do takes all the time that its machines
 * have. What comes after a pause waits for nothing, and who is told of a block joins in at once.
 */
export class Pace {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #spacingMs: number;
  #nextAt = Number.NEGATIVE_INFINITY;

  /** `spacingMs` counts up to a quarter of `deadlineMs`, the time in which a leader has to be heard. */
  constructor(clock: Pick<Clock, 'monotonic'>, spacingMs: number, deadlineMs: number) {
    this.#clock = clock;
    this.#spacingMs = Math.min(spacingMs, deadlineMs / DEADLINE_SHARE);
  }

  /** How long the next height has to wait, in ms; 0: it may begin. */
  waitMs(): number {
    return Math.max(0, this.#nextAt - this.#clock.monotonic());
  }

  /** A height has begun, on our own or because others have. */
  begun(): void {
    this.#nextAt = this.#clock.monotonic() + this.#spacingMs;
  }
}
