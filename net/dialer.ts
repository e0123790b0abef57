import type { NetLimits } from './limits.js';
import type { PeerKey } from './transport.js';

interface Target {
  /** Attempts since the last time the peer was connected. */
  attempts: number;
  timer: NodeJS.Timeout | null;
}

export interface DialerOptions {
  readonly limits: NetLimits;
  /** Opens a link; rejects if it cannot. */
  readonly dial: (peer: PeerKey) => Promise<void>;
  /** True if a link is open or being opened by the other side: then there is nothing to dial. */
  readonly hasLink: (peer: PeerKey) => boolean;
  /** Uniform in [0, 1), for the jitter. */
  readonly random?: () => number;
}

/**
 * Keeps dialling a set of peers. Waits `redialMinMs`, doubling up to `redialMaxMs`, between attempts, each scaled by
 * a random factor in [0.5, 1) so that nodes restarted together do not dial in step. One timer per peer.
 */
export class Dialer {
  readonly #options: DialerOptions;
  readonly #targets = new Map<PeerKey, Target>();
  #stopped = false;

  constructor(options: DialerOptions) {
    this.#options = options;
  }

  /** Starts to dial a peer after a delay; a peer already followed is left as it is. */
  follow(peer: PeerKey, delayMs: number): void {
    if (this.#stopped || this.#targets.has(peer)) return;
    this.#targets.set(peer, { attempts: 0, timer: null });
    this.#schedule(peer, delayMs);
  }

  forget(peer: PeerKey): void {
    const target = this.#targets.get(peer);
    if (target?.timer) clearTimeout(target.timer);
    this.#targets.delete(peer);
  }

  /** The peer is connected: the backoff starts afresh. */
  connected(peer: PeerKey): void {
    const target = this.#targets.get(peer);
    if (target !== undefined) target.attempts = 0;
  }

  /** The link is gone: dial again, not before `delayMs`. */
  lost(peer: PeerKey, delayMs = 0): void {
    if (this.#targets.has(peer)) this.#schedule(peer, Math.max(delayMs, this.#backoffMs(peer)));
  }

  stop(): void {
    this.#stopped = true;
    for (const peer of [...this.#targets.keys()]) this.forget(peer);
  }

  #schedule(peer: PeerKey, delayMs: number): void {
    const target = this.#targets.get(peer);
    if (target === undefined || this.#stopped) return;
    if (target.timer !== null) clearTimeout(target.timer);
    target.timer = setTimeout(() => {
      target.timer = null;
      void this.#attempt(peer, target);
    }, delayMs);
  }

  async #attempt(peer: PeerKey, target: Target): Promise<void> {
    if (this.#options.hasLink(peer)) return;
    target.attempts += 1;
    try {
      await this.#options.dial(peer);
    } catch {
      // A peer that is down is nothing to report: it is dialled again, and `connectedPeers` tells.
      const current = this.#targets.get(peer) === target && target.timer === null;
      if (current && !this.#options.hasLink(peer)) this.#schedule(peer, this.#backoffMs(peer));
    }
  }

  #backoffMs(peer: PeerKey): number {
    const { redialMinMs, redialMaxMs } = this.#options.limits;
    const attempts = Math.min(this.#targets.get(peer)?.attempts ?? 0, 20);
    const wait = Math.min(redialMaxMs, redialMinMs * 2 ** attempts);
    return wait * (0.5 + (this.#options.random ?? Math.random)() / 2);
  }
}
