import type { PeerKey } from './transport.js';

/** Counts what each peer has under way, up to a bound. Peers with nothing under way take no room. */
export class PeerSlots {
  readonly #max: number;
  readonly #taken = new Map<PeerKey, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /** False if the peer is at its bound; then nothing was taken. */
  take(peer: PeerKey): boolean {
    const taken = this.#taken.get(peer) ?? 0;
    if (taken >= this.#max) return false;
    this.#taken.set(peer, taken + 1);
    return true;
  }

  free(peer: PeerKey): void {
    const taken = this.#taken.get(peer);
    if (taken === undefined) throw new RangeError('freed a slot that was not taken');
    if (taken === 1) this.#taken.delete(peer);
    else this.#taken.set(peer, taken - 1);
  }
}
