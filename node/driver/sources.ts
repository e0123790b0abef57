const PEERS_MAX = 256;
/** How long a peer that did not deliver is left alone: doubled with each failure in a row. */
const REST_MS = 1_000;
const REST_DOUBLINGS_MAX = 5;

interface Source {
  height: number;
  failures: number;
  restsUntilMs: number;
  /** When it was asked last, as a count. */
  asked: number;
}

/**
 * Whom to ask for blocks: the peers that say they are ahead, in turn. One that doesn't deliver is passed over for
 * a while, longer each time, and one that delivers is as good as new. `nowMs` is of a clock that never goes back.
 */
export class Sources {
  readonly #sources = new Map<string, Source>();
  #asked = 0;

  /** The newest word of a peer counts. */
  heard(peer: string, height: number): void {
    const known = this.#sources.get(peer) ?? { height, failures: 0, restsUntilMs: 0, asked: 0 };
    known.height = height;
    // In the order of their last words: who has been silent for longest makes room.
    this.#sources.delete(peer);
    this.#sources.set(peer, known);
    if (this.#sources.size > PEERS_MAX) this.#sources.delete(this.#sources.keys().next().value!);
  }

  /**
   * Of the connected peers that claim `height`, the one with the fewest failures in a row, and of these the one
   * that was asked the longest ago. Null: there is none, or all of them rest.
   */
  next(height: number, connected: readonly string[], nowMs: number): string | null {
    const here = new Set(connected);
    let best: [string, Source] | null = null;
    for (const entry of this.#sources) {
      const [peer, source] = entry;
      if (!here.has(peer) || source.height < height || source.restsUntilMs > nowMs) continue;
      if (best === null || isBetter(source, best[1])) best = entry;
    }
    if (best === null) return null;
    this.#asked += 1;
    best[1].asked = this.#asked;
    return best[0];
  }

  delivered(peer: string): void {
    const source = this.#sources.get(peer);
    if (source !== undefined) source.failures = 0;
  }

  failed(peer: string, nowMs: number): void {
    const source = this.#sources.get(peer);
    if (source === undefined) return;
    source.restsUntilMs = nowMs + REST_MS * 2 ** Math.min(source.failures, REST_DOUBLINGS_MAX);
    source.failures += 1;
  }

  /** The highest claim. */
  get highest(): number {
    return Math.max(0, ...[...this.#sources.values()].map(({ height }) => height));
  }
}

function isBetter(a: Source, b: Source): boolean {
  return a.failures !== b.failures ? a.failures < b.failures : a.asked < b.asked;
}
