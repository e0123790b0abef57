/** Lets `max` holders at a time work on each key; more wait their turn, first come first served. */
export class Permits<Key> {
  readonly #max: number;
  readonly #taken = new Map<Key, number>();
  readonly #waiting = new Map<Key, (() => void)[]>();

  constructor(max: number) {
    this.#max = max;
  }

  async take(key: Key): Promise<void> {
    const taken = this.#taken.get(key) ?? 0;
    if (taken < this.#max) {
      this.#taken.set(key, taken + 1);
      return;
    }
    const queue = this.#waiting.get(key) ?? [];
    this.#waiting.set(key, queue);
    await new Promise<void>((resolve) => queue.push(resolve));
  }

  /** Hands the permit to the next in line, or puts it back. */
  give(key: Key): void {
    const queue = this.#waiting.get(key);
    const next = queue?.shift();
    if (queue?.length === 0) this.#waiting.delete(key);
    if (next !== undefined) {
      next();
      return;
    }
    const taken = this.#taken.get(key);
    if (taken === undefined) throw new RangeError('gave a permit that was not taken');
    if (taken === 1) this.#taken.delete(key);
    else this.#taken.set(key, taken - 1);
  }
}
