import type { PeerKey } from './transport.js';

export interface Rate {
  /** What flows back into a bucket. */
  readonly perSecond: number;
  /** What a bucket holds when full. */
  readonly burst: number;
}

interface Bucket {
  messages: number;
  bytes: number;
  filledAtMs: number;
}

export interface RateLimitOptions {
  readonly messages: Rate;
  readonly bytes: Rate;
  /** Peers remembered; beyond, all start afresh. */
  readonly peersMax: number;
  /** A monotonic clock in milliseconds. */
  readonly now: () => number;
}

/** Token buckets, two a peer: messages and bytes. What doesn't fit into both takes from neither. */
export class RateLimit {
  readonly #options: RateLimitOptions;
  readonly #buckets = new Map<PeerKey, Bucket>();

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  /** Takes a message of so many bytes out of the peer's buckets; false if they don't hold it. */
  take(peer: PeerKey, bytes: number): boolean {
    const bucket = this.#filled(peer);
    if (bucket.messages < 1 || bucket.bytes < bytes) return false;
    bucket.messages -= 1;
    bucket.bytes -= bytes;
    return true;
  }

  #filled(peer: PeerKey): Bucket {
    const { messages, bytes, peersMax, now } = this.#options;
    const at = now();
    const known = this.#buckets.get(peer);
    if (known !== undefined) {
      const seconds = Math.max(0, at - known.filledAtMs) / 1_000;
      known.messages = Math.min(messages.burst, known.messages + seconds * messages.perSecond);
      known.bytes = Math.min(bytes.burst, known.bytes + seconds * bytes.perSecond);
      known.filledAtMs = at;
      return known;
    }
    if (this.#buckets.size >= peersMax) this.#buckets.clear();
    const fresh = { messages: messages.burst, bytes: bytes.burst, filledAtMs: at };
    this.#buckets.set(peer, fresh);
    return fresh;
  }
}
