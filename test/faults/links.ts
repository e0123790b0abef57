import type { Cut } from './plan.js';

/** What happens now to bytes on their way from one node to another. */
export interface Flow {
  /** Null: they pass. */
  readonly cut: Cut | null;
  readonly delayMs: number;
}

export const open: Flow = { cut: null, delayMs: 0 };

/**
 * The state of every directed pair of nodes, and who wants to hear of changes. Several faults may hold one pair at
 * once: it is cut while any of them cuts it (`reset` over `silent`), and their delays add up.
 */
export class Links {
  readonly #holds = new Set<{ readonly covers: Covers; readonly flow: Flow }>();
  readonly #listeners = new Set<() => void>();
  readonly #breakers = new Set<(covers: Covers) => void>();

  flow(from: number, to: number): Flow {
    let cut: Cut | null = null;
    let delayMs = 0;
    for (const { covers, flow } of this.#holds) {
      if (!covers(from, to)) continue;
      if (flow.cut !== null && cut !== 'reset') cut = flow.cut;
      delayMs += flow.delayMs;
    }
    return { cut, delayMs };
  }

  /** Lays a flow over some pairs; the returned function takes it away again. */
  hold(covers: Covers, flow: Flow): () => void {
    const held = { covers, flow };
    this.#holds.add(held);
    this.#tell();
    return () => {
      if (this.#holds.delete(held)) this.#tell();
    };
  }

  /** Breaks the connections that there are now between some pairs. */
  break(covers: Covers): void {
    for (const breaker of this.#breakers) breaker(covers);
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onBreak(breaker: (covers: Covers) => void): () => void {
    this.#breakers.add(breaker);
    return () => this.#breakers.delete(breaker);
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

export type Covers = (from: number, to: number) => boolean;
