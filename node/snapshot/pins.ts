import type { StateTree, StateVersions } from '../../chain/index.js';
import { eraOf } from '../../consensus/index.js';
import { OFFERS_MAX } from './messages.js';

/** A state that nobody asked for in so long goes; one that is asked for again and again goes at this age. */
const IDLE_MS = 30_000;
const AGE_MS = 600_000;
/** What blocks may write while a state is kept, since that is what it costs: 1.2 KiB an entry, 160 MB. */
const WRITES_MAX = 131_072;

interface Pin {
  readonly height: number;
  readonly tree: StateTree;
  readonly since: number;
  usedAt: number;
  writes: number;
}

export interface PinsOptions {
  readonly versions: Pick<StateVersions, 'at' | 'held'>;
  readonly eraHeights: number;
  /** No height up to this one is offered. */
  readonly above: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
}

/**
 * States that are kept while others pull them: at most `OFFERS_MAX` at a time, each for a bounded time and while
 * a bounded number of entries is written. While nobody asks nothing is kept. What is offered is the end of the newest
 * era, so that all nodes offer the same and a joiner has several to ask; after a restart, before an era has ended,
 * it is the head.
 */
export class Pins {
  readonly #options: PinsOptions;
  readonly #pins = new Map<number, Pin>();

  constructor(options: PinsOptions) {
    this.#options = options;
  }

  /** Heights to choose from, newest first. From now on they are kept. */
  offer(): readonly number[] {
    this.#release();
    const newest = this.#newest();
    if (newest !== null) this.#keep(newest);
    return [...this.#pins.keys()].sort((a, b) => b - a);
  }

  /** The state after a height that was offered; undefined: it is kept no more. */
  at(height: number): StateTree | undefined {
    this.#release();
    const pin = this.#pins.get(height) ?? this.#keep(height);
    if (pin === null) return undefined;
    pin.usedAt = this.#options.now();
    return pin.tree;
  }

  /** A block wrote so many entries of the state. */
  committed(writes: number): void {
    for (const pin of this.#pins.values()) pin.writes += writes;
    this.#release();
  }

  /** The last height of the newest era that has ended, if its state is at hand, else the head. */
  #newest(): number | null {
    const { versions, eraHeights, above } = this.#options;
    const { first, last } = versions.held;
    const end = eraOf(last + 1, eraHeights) * eraHeights - 1;
    const height = end >= first ? end : last;
    return height > above ? height : null;
  }

  /** Null: its state is not at hand, or too many are kept. */
  #keep(height: number): Pin | null {
    const { versions, above, now } = this.#options;
    const known = this.#pins.get(height);
    if (known !== undefined) return known;
    const tree = versions.at(height);
    if (tree === undefined || height <= above || this.#pins.size >= OFFERS_MAX) return null;
    const pin = { height, tree, since: now(), usedAt: now(), writes: 0 };
    this.#pins.set(height, pin);
    return pin;
  }

  #release(): void {
    const now = this.#options.now();
    for (const { height, since, usedAt, writes } of this.#pins.values()) {
      const isOver = now - usedAt > IDLE_MS || now - since > AGE_MS || writes > WRITES_MAX;
      if (isOver) this.#pins.delete(height);
    }
  }
}
