import type { ConsensusMessage } from './message.js';

/** A decoded message that waits, with the peer that delivered it and its size as it came. */
export interface Received {
  readonly message: ConsensusMessage;
  readonly from: string;
  readonly bytes: number;
}

const MESSAGES_MAX = 512;
const BYTES_MAX = 16 * 1024 * 1024;

/**
 * Messages for a height that has not begun. Nothing in them is verified yet, so they are bounded, and the oldest
 * of the peer that fills the most room makes room: who floods displaces its own messages and nobody else's.
 */
export class EarlyMessages {
  #waiting: Received[] = [];
  readonly #bytesOf = new Map<string, number>();
  #bytes = 0;

  get size(): number {
    return this.#waiting.length;
  }

  /** Returns how many messages had to make room. */
  add(received: Received): number {
    this.#waiting.push(received);
    this.#count(received.from, received.bytes);
    let dropped = 0;
    for (; this.#waiting.length > MESSAGES_MAX || this.#bytes > BYTES_MAX; dropped += 1) this.#dropOne();
    return dropped;
  }

  /** All of them, in the order in which they came; none are left. */
  take(): readonly Received[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#bytesOf.clear();
    this.#bytes = 0;
    return waiting;
  }

  #dropOne(): void {
    let heaviest = this.#waiting[0]!.from;
    for (const [peer, bytes] of this.#bytesOf) {
      if (bytes > (this.#bytesOf.get(heaviest) ?? 0)) heaviest = peer;
    }
    const at = this.#waiting.findIndex(({ from }) => from === heaviest);
    const [dropped] = this.#waiting.splice(at, 1);
    this.#count(dropped!.from, -dropped!.bytes);
  }

  #count(peer: string, bytes: number): void {
    this.#bytes += bytes;
    const sum = (this.#bytesOf.get(peer) ?? 0) + bytes;
    if (sum === 0) this.#bytesOf.delete(peer);
    else this.#bytesOf.set(peer, sum);
  }
}
