import type { PayloadLimits } from './limits.js';
import type { PeerKey } from './transport.js';

interface Pace {
  inFlight: number;
  /** Its window was full and is not half empty again. */
  full: boolean;
  /** Smoothed time of an answer and its mean deviation; null before the first one. */
  time: { readonly mean: number; readonly deviation: number } | null;
  /** It let a request wait for too long and has not answered since. */
  late: boolean;
}

/** Peers remembered that have nothing under way. */
const IDLE_MAX = 1_024;

const unknown: Pace = { inFlight: 0, full: false, time: null, late: false };

/**
 * How fast each peer answers chunk requests, and how many it has under way: shared by all fetches of a node, so that
 * a slow peer need be found out once.
 *
 * Unit: milliseconds. The deadline follows mean and deviation of the answers' times (a quarter and an eighth of the
 * new one; mean + 4 deviations), as TCP's does: RFC 6298. What waits behind other requests to the same peer counts
 * with its waiting, so a full window lengthens the deadline by itself.
 */
export class PeerPaces {
  readonly #limits: PayloadLimits;
  /** In order of last use. */
  readonly #paces = new Map<PeerKey, Pace>();

  constructor(limits: PayloadLimits) {
    this.#limits = limits;
  }

  /** May the peer be asked for one more chunk? A window is filled at once, and again when half of it is answered. */
  hasRoom(peer: PeerKey): boolean {
    const { inFlight, full, late } = this.#of(peer);
    return late ? inFlight === 0 : !full;
  }

  begin(peer: PeerKey): void {
    const pace = this.#of(peer);
    const inFlight = pace.inFlight + 1;
    this.#set(peer, { ...pace, inFlight, full: pace.full || inFlight >= this.#limits.chunksPerPeer });
  }

  /** A request has ended: with a chunk after so long, or (null) without one. */
  end(peer: PeerKey, tookMs: number | null): void {
    const pace = this.#of(peer);
    if (pace.inFlight === 0) throw new RangeError('ended a request that was not begun');
    const inFlight = pace.inFlight - 1;
    const full = pace.full && inFlight > this.#limits.chunksPerPeer / 2;
    const time = tookMs === null ? pace.time : smoothed(pace.time, tookMs);
    this.#set(peer, { ...pace, inFlight, full, time });
  }

  /** The peer answered, whatever it said. */
  heard(peer: PeerKey): void {
    const pace = this.#of(peer);
    if (pace.late) this.#set(peer, { ...pace, late: false });
  }

  /** An answer that takes longer is late: the peer's fault, by its own measure. */
  lateAfter(peer: PeerKey): number {
    const { lateMinMs, lateStartMs, chunkTimeoutMs } = this.#limits;
    const { time } = this.#of(peer);
    if (time === null) return lateStartMs;
    return Math.min(chunkTimeoutMs, Math.max(lateMinMs, time.mean + 4 * time.deviation));
  }

  /** After so long a chunk is asked of another peer too. */
  reassignAfter(peer: PeerKey): number {
    return Math.min(this.#limits.reassignMs, this.lateAfter(peer));
  }

  /** What another peer has under way for so long, this one would probably deliver sooner. */
  hedgeAfter(peer: PeerKey): number {
    const { time } = this.#of(peer);
    return Math.max(this.#limits.hedgeMinMs, time === null ? this.#limits.lateMinMs : 2 * time.mean);
  }

  /** Notes that the peer is late; false if that was known already. */
  markLate(peer: PeerKey): boolean {
    const pace = this.#of(peer);
    if (!pace.late) this.#set(peer, { ...pace, late: true });
    return !pace.late;
  }

  #of(peer: PeerKey): Pace {
    return this.#paces.get(peer) ?? unknown;
  }

  #set(peer: PeerKey, pace: Pace): void {
    this.#paces.delete(peer);
    this.#paces.set(peer, pace);
    if (this.#paces.size <= IDLE_MAX) return;
    for (const [oldest, { inFlight }] of this.#paces) {
      if (inFlight === 0) return void this.#paces.delete(oldest);
    }
  }
}

function smoothed(time: Pace['time'], tookMs: number): Pace['time'] {
  if (time === null) return { mean: tookMs, deviation: tookMs / 2 };
  return {
    mean: time.mean + (tookMs - time.mean) / 8,
    deviation: time.deviation + (Math.abs(tookMs - time.mean) - time.deviation) / 4,
  };
}
