const SAMPLES_MAX = 10_000;

/** Times from acceptance by this node's RPC to durable commit, in milliseconds; the newest SAMPLES_MAX of them. */
export class FinalityWindow {
  readonly #samples: number[] = [];
  #next = 0;

  add(ms: number): void {
    this.#samples[this.#next % SAMPLES_MAX] = ms;
    this.#next += 1;
  }

  /** Null without samples. */
  quantile(q: number): number | null {
    if (this.#samples.length === 0) return null;
    const sorted = [...this.#samples].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
  }

  get count(): number {
    return this.#next;
  }
}
