import type { Rules } from '../../consensus/index.js';
import type { RoundOutcome } from '../../fl/index.js';
import { NetError, type PayloadExchange, type Transport } from '../../net/index.js';
import type { Logger } from '../log.js';
import type { Store } from '../store/index.js';
import { CatchUp, type Range } from './catchUp.js';
import type { Certifier } from './certifier.js';
import type { Clock } from './clock.js';
import type { Driver } from './driver.js';
import type { MarkedInputs } from './marks.js';
import {
  encodeRangeRequest,
  RANGE_ANSWER_BYTES_MAX,
  RANGE_BYTES_MAX,
  RANGE_BYTES_MIN,
  RANGE_PROTOCOL,
  type RawEntry,
  REQUEST_BYTES_MAX,
  rangeOf,
  readRange,
  readRangeRequest,
} from './range.js';
import { Sources } from './sources.js';

/** A peer that says it is ahead has so long to deliver a range; then the next one is asked. */
const RANGE_TIMEOUT_MS = 2_000;
/** Points for a claim that is not made good, and for blocks that nobody certified. */
const UNDELIVERED_POINTS = 5;
const UNCERTIFIED_POINTS = 50;
const MALFORMED_POINTS = 25;

export interface SyncOptions {
  readonly driver: Driver;
  readonly rules: Rules<RoundOutcome>;
  readonly store: Store;
  readonly transport: Pick<Transport, 'serve' | 'request' | 'connectedPeers' | 'penalize'>;
  readonly payloads: PayloadExchange;
  readonly certifier: Certifier;
  readonly marks: Pick<MarkedInputs, 'forBlock'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Catching up: decided blocks with their certificates, in ranges, from those who say that they are ahead.
 *
 * One catch-up at a time (catchUp.ts), whatever is heard meanwhile.
 *
 * Peers take turns. One that doesn't deliver within 2 s, or delivers what is not certified, loses standing and
 * rests; whoever is next is asked for the same.
 */
export class Sync {
  readonly #options: SyncOptions;
  readonly #sources = new Sources();
  #running = false;
  /** Somebody said that it is ahead while a catch-up ran, which may have asked its last question by then. */
  #heard = false;
  #closed = false;
  #rangeBytes = RANGE_BYTES_MIN;
  /** The highest height known to be decided, by a certificate that verified. */
  #certified = 0;

  constructor(options: SyncOptions) {
    this.#options = options;
    const { transport, store } = options;
    const serve = async (request: Uint8Array, from: string): Promise<Uint8Array> => {
      const asked = readRangeRequest(request);
      if (asked !== null) return rangeOf(store, asked);
      transport.penalize(from, MALFORMED_POINTS, 'malformed request');
      throw new NetError('refused', 'malformed request');
    };
    transport.serve(RANGE_PROTOCOL, serve, { requestBytesMax: REQUEST_BYTES_MAX, concurrentMax: 4 });
  }

  /** `peer` says that it stands at `height`. */
  follow(peer: string, height: number): void {
    this.#sources.heard(peer, height);
    if (height > this.#options.driver.tip.height) this.#begin(null);
  }

  /** `peer`, standing at `height`, hands over a decided block. Ignored unless it is the next one. */
  offer(peer: string, height: number, from: number, entry: RawEntry): void {
    this.#sources.heard(peer, height);
    if (from === this.#options.driver.tip.height + 1) this.#begin({ peer, from, entries: [entry] });
  }

  /** A block of this height with a certificate that verified is about to be adopted: no vote matters any more. */
  isDecided(height: number): boolean {
    return height <= this.#certified;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#options.certifier.close();
  }

  #begin(first: Range | null): void {
    if (this.#running) this.#heard = true;
    if (this.#running || this.#closed) return;
    this.#running = true;
    this.#heard = false;
    const { driver, certifier, log } = this.#options;
    const from = driver.tip.height;
    const catchUp = new CatchUp({
      ...this.#options,
      pull: (height) => this.#pull(height),
      blame: (peer) => this.#blame(peer, UNCERTIFIED_POINTS, 'blocks that are not certified'),
      onCertified: (height) => {
        this.#certified = Math.max(this.#certified, height);
      },
    });
    void catchUp
      .run(first)
      .catch((error) => this.#closed || log('error', 'sync-failed', { error: String(error) }))
      .finally(() => {
        this.#running = false;
        certifier.rest();
        const { tip } = driver;
        if (tip.height > from) log('debug', 'caught-up', { from: from + 1, to: tip.height });
        else if (!this.#heard) return;
        // Peers may have gone on meanwhile.
        if (this.#sources.highest > tip.height) this.#begin(null);
      });
  }

  /** A range from whoever delivers one. Null: nobody claims to have it, or those who do rest. Never rejects. */
  async #pull(from: number): Promise<Range | null> {
    const { transport, clock, log } = this.#options;
    for (;;) {
      const peer = this.#sources.next(from, transport.connectedPeers(), clock.monotonic());
      if (peer === null) return null;
      const entries = await this.#ask(peer, from).catch((error: unknown) => {
        log('debug', 'range-failed', { peer, from, error: String(error) });
        // A range that is too much for the link in this time is asked for in smaller pieces.
        this.#rangeBytes = Math.max(RANGE_BYTES_MIN, this.#rangeBytes / 2);
        return [];
      });
      if (entries !== null && entries.length > 0) {
        this.#sources.delivered(peer);
        this.#rangeBytes = Math.min(RANGE_BYTES_MAX, this.#rangeBytes * 2);
        return { peer, from, entries };
      }
      const points = entries === null ? UNCERTIFIED_POINTS : UNDELIVERED_POINTS;
      this.#blame(peer, points, `height ${from} claimed and not delivered`);
    }
  }

  async #ask(peer: string, from: number): Promise<readonly RawEntry[] | null> {
    const request = encodeRangeRequest(from, this.#rangeBytes);
    const options = { timeoutMs: RANGE_TIMEOUT_MS, responseBytesMax: RANGE_ANSWER_BYTES_MAX };
    return readRange(await this.#options.transport.request(peer, RANGE_PROTOCOL, request, options));
  }

  #blame(peer: string, points: number, reason: string): void {
    const { transport, clock } = this.#options;
    this.#sources.failed(peer, clock.monotonic());
    transport.penalize(peer, points, reason);
  }
}
