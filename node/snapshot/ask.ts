import { NetError, type PeerKey, type Transport } from '../../net/index.js';
import type { Clock } from '../driver/clock.js';
import { Sources } from '../driver/sources.js';
import type { Logger } from '../log.js';
import { JoinError } from './error.js';

const TIMEOUT_MS = 5_000;
/** Points for an answer that does not hold: twice, and the peer loses its link. */
const LIE_POINTS = 50;
/** So often in a row without an answer, and a peer is asked no more. */
const FAILURES_MAX = 4;
const PAUSE_MS = 50;

/** What an answer turned out to be. `none`: the peer has not got it, which is no fault. */
export type Reading<T> =
  | { readonly kind: 'taken'; readonly value: T }
  | { readonly kind: 'none' }
  | { readonly kind: 'lie'; readonly reason: string };

export interface Question<T> {
  readonly protocol: string;
  readonly request: Uint8Array;
  readonly answerBytesMax: number;
  /** Checks a whole answer; an empty one is `none` and does not get here. */
  read(answer: Uint8Array, from: PeerKey): Reading<T>;
}

export interface AskerOptions {
  readonly transport: Pick<Transport, 'request' | 'connectedPeers' | 'penalize'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Asks peers in turn until one gives an answer that holds. Who lies loses standing and is asked no more, as is who has
 * not got it, or does not answer again and again; the next one is asked for the same.
 */
export class Asker {
  readonly #options: AskerOptions;
  readonly #sources = new Sources();
  readonly #peers: Set<PeerKey>;
  readonly #failures = new Map<PeerKey, number>();

  constructor(options: AskerOptions, peers: readonly PeerKey[]) {
    this.#options = options;
    this.#peers = new Set(peers);
    for (const peer of peers) this.#sources.heard(peer, 0);
  }

  /** Peers that can still be asked. */
  get peers(): readonly PeerKey[] {
    return [...this.#peers];
  }

  /** Throws JoinError 'unavailable' when nobody is left. */
  async ask<T>(question: Question<T>): Promise<T> {
    const { transport, clock } = this.#options;
    while (this.#peers.size > 0) {
      // Those who have gone may come back: each counts as one more failure, and rests longer each time.
      const peer = this.#sources.next(0, this.peers, clock.monotonic());
      if (peer === null) await new Promise<void>((resolve) => clock.after(PAUSE_MS, resolve));
      else {
        const found = await this.#askOne(peer, question);
        if (found !== null) return found.value;
      }
    }
    throw new JoinError(
      'unavailable',
      `no peer gives ${question.protocol} (any more): ${transport.connectedPeers().length} are connected`,
    );
  }

  async #askOne<T>(peer: PeerKey, { protocol, request, answerBytesMax, read }: Question<T>) {
    const { transport, clock, log } = this.#options;
    let answer: Uint8Array;
    try {
      const options = { timeoutMs: TIMEOUT_MS, responseBytesMax: answerBytesMax };
      answer = await transport.request(peer, protocol, request, options);
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      log('debug', 'join-no-answer', { peer, protocol, error: error.message });
      const failures = (this.#failures.get(peer) ?? 0) + 1;
      this.#failures.set(peer, failures);
      // An answer over its bound has cost it standing already: it is not asked again.
      if (error.code === 'too-large' || failures >= FAILURES_MAX) this.#peers.delete(peer);
      this.#sources.failed(peer, clock.monotonic());
      return null;
    }
    const reading: Reading<T> = answer.length === 0 ? { kind: 'none' } : read(answer, peer);
    if (reading.kind === 'taken') {
      this.#failures.delete(peer);
      this.#sources.delivered(peer);
      return reading;
    }
    if (reading.kind === 'lie') this.blame(peer, protocol, reading.reason);
    else this.#peers.delete(peer);
    return null;
  }

  /** An answer of this peer turned out not to hold: it is asked no more. */
  blame(peer: PeerKey, protocol: string, reason: string): void {
    const { transport, log } = this.#options;
    this.#peers.delete(peer);
    log('warn', 'join-lie', { peer, protocol, reason });
    transport.penalize(peer, LIE_POINTS, `${protocol}: ${reason}`);
  }
}
