import { bytesToHex } from '../crypto/index.js';
import { ByteGate } from './byteGate.js';
import { monotonicClock, type NetClock } from './clock.js';
import { NetError } from './errors.js';
import { defaultPayloadLimits, type PayloadLimits } from './limits.js';
import { memoryPartials, type PartialPayloads } from './partials.js';
import { PayloadFetch, type PayloadFetchOptions } from './payloadFetch.js';
import { servePayloads } from './payloadServer.js';
import { PeerPaces } from './peerPace.js';
import type { PeerKey, Transport } from './transport.js';

/** Where payloads rest. `id` is the payload's id, 32 bytes. */
export interface PayloadStore {
  has(id: Uint8Array): boolean;
  get(id: Uint8Array): Uint8Array | null | Promise<Uint8Array | null>;
  put(id: Uint8Array, bytes: Uint8Array): Promise<void>;
}

export interface PayloadExchange {
  /**
   * Resolves when the payload of that id and size is in the store: at once, or pulled chunk by proved chunk from the
   * candidates, several at a time. Fetches of one payload at the same time are one fetch, with the candidates of all;
   * fetches beyond the bounds wait, first come first served. One that ends early leaves its chunks to the next. A
   * payload of that id and another size is not it: nobody holds it then.
   *
   * Fails with NetError "too-large" (size 0 or over `payloadBytesMax`), "queue-full", "unavailable" (no candidate is
   *   left), "aborted" (the signal, or the exchange was closed); with what `put` or the partial payloads throw.
   */
  fetch(id: Uint8Array, size: number, candidates: readonly PeerKey[], signal?: AbortSignal): Promise<void>;
  /** Ends the fetches under way with "aborted"; resolves when their chunks are put away. */
  close(): Promise<void>;
}

export interface PayloadExchangeOptions {
  readonly transport: Transport;
  readonly store: PayloadStore;
  /** Default: in memory. */
  readonly partials?: PartialPayloads;
  readonly limits?: Partial<PayloadLimits>;
  readonly clock?: NetClock;
  readonly random?: () => number;
}

/** Serves the store's payloads to the peers and fetches from them. One per transport. */
export function createPayloadExchange(options: PayloadExchangeOptions): PayloadExchange {
  const { transport, store } = options;
  const limits = { ...defaultPayloadLimits, ...options.limits };
  const exchange = new Exchange(options, limits);
  const respondPartly = exchange.respondPartly.bind(exchange);
  servePayloads({ transport, store, limits, respondPartly });
  return exchange;
}

interface Job {
  readonly name: string;
  readonly size: number;
  readonly fetch: PayloadFetch;
  readonly result: Promise<void>;
  readonly begin: () => void;
  readonly fail: (error: NetError) => void;
  waiters: number;
}

class Exchange implements PayloadExchange {
  readonly #store: PayloadStore;
  readonly #limits: PayloadLimits;
  readonly #fetchOptions: PayloadFetchOptions;
  readonly #jobs = new Map<string, Job>();
  readonly #queue: Job[] = [];
  /** Begun and not over, in that order: the earlier ones take the peers' windows first. */
  readonly #running = new Map<Job, Promise<void>>();
  readonly #wholes: ByteGate;
  #inFlightBytes = 0;
  #closed = false;
  #pumpsSoon = false;

  constructor(options: PayloadExchangeOptions, limits: PayloadLimits) {
    const { transport, store, partials = memoryPartials(), clock = monotonicClock } = options;
    this.#store = store;
    this.#limits = limits;
    this.#wholes = new ByteGate(limits.wholeBytesMax);
    this.#fetchOptions = {
      transport,
      limits,
      partials,
      clock,
      random: options.random ?? Math.random,
      paces: new PeerPaces(limits),
      onRoom: () => this.#pumpSoon(),
    };
  }

  async fetch(
    id: Uint8Array,
    size: number,
    candidates: readonly PeerKey[],
    signal?: AbortSignal,
  ): Promise<void> {
    if (!Number.isSafeInteger(size) || size < 1 || size > this.#limits.payloadBytesMax) {
      throw new NetError('too-large', `payload of ${size} bytes, 1 to ${this.#limits.payloadBytesMax}`);
    }
    if (this.#store.has(id)) return;
    if (this.#closed || signal?.aborted) throw new NetError('aborted', 'fetch given up');
    const name = nameOf(id, size);
    const job = this.#jobs.get(name) ?? this.#open(name, id.slice(), size);
    job.fetch.addCandidates(candidates);
    this.#beginNext();
    return this.#await(job, signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#jobs.values()) this.#giveUp(job);
    await Promise.allSettled(this.#running.values());
  }

  respondPartly(id: Uint8Array, size: number, index: number): Promise<Uint8Array> | null {
    return this.#jobs.get(nameOf(id, size))?.fetch.respond(index) ?? null;
  }

  /** Once for all answers of one turn of the event loop: what they leave room for is asked in one message. */
  #pumpSoon(): void {
    if (this.#pumpsSoon) return;
    this.#pumpsSoon = true;
    setImmediate(() => {
      this.#pumpsSoon = false;
      for (const { fetch } of this.#running.keys()) fetch.pump();
    });
  }

  #open(name: string, id: Uint8Array, size: number): Job {
    if (this.#jobs.size >= this.#limits.fetchesMax) {
      throw new NetError('queue-full', `${this.#jobs.size} payloads are being fetched`);
    }
    const fetch = new PayloadFetch(id, size, this.#fetchOptions);
    let begin!: () => void;
    let fail!: (error: NetError) => void;
    const turn = new Promise<void>((resolve, reject) => {
      begin = resolve;
      fail = reject;
    });
    const result = turn
      .then(() => this.#pull(job, id))
      .finally(() => {
        if (!this.#running.delete(job)) return;
        this.#inFlightBytes -= size;
        this.#beginNext();
      });
    const job: Job = { name, size, fetch, result, begin, fail, waiters: 0 };
    this.#jobs.set(name, job);
    this.#queue.push(job);
    return job;
  }

  /** Whatever comes of it, the chunks are put away: thrown away once the store was offered the payload. */
  async #pull({ fetch, size }: Job, id: Uint8Array): Promise<void> {
    try {
      await fetch.run();
      await this.#wholes.enter(size);
      try {
        await this.#store.put(id, await fetch.payload());
      } finally {
        this.#wholes.leave(size);
        await fetch.remove();
      }
    } finally {
      await fetch.close();
    }
  }

  /** Starts waiting fetches, in order, while their bytes fit. One always fits: a payload is below the bound. */
  #beginNext(): void {
    const { inFlightBytesMax, runningMax } = this.#limits;
    for (let job = this.#queue[0]; job !== undefined; job = this.#queue[0]) {
      const fits = this.#inFlightBytes + job.size <= inFlightBytesMax && this.#running.size < runningMax;
      if (!fits && this.#running.size > 0) return;
      this.#queue.shift();
      this.#inFlightBytes += job.size;
      this.#running.set(job, job.result);
      job.begin();
    }
  }

  #await(job: Job, signal: AbortSignal | undefined): Promise<void> {
    job.waiters += 1;
    return new Promise<void>((resolve, reject) => {
      const onAbort = () => reject(new NetError('aborted', 'fetch given up'));
      signal?.addEventListener('abort', onAbort, { once: true });
      const done = () => signal?.removeEventListener('abort', onAbort);
      job.result.then(resolve, reject).finally(done);
    }).finally(() => {
      job.waiters -= 1;
      if (job.waiters === 0) this.#giveUp(job);
    });
  }

  /** Ends a fetch for all its waiters, if it isn't over, and forgets it: who asks next begins anew. */
  #giveUp(job: Job): void {
    this.#jobs.delete(job.name);
    job.fetch.cancel();
    const place = this.#queue.indexOf(job);
    if (place < 0) return;
    this.#queue.splice(place, 1);
    job.fail(new NetError('aborted', 'fetch given up'));
  }
}

function nameOf(id: Uint8Array, size: number): string {
  return `${bytesToHex(id)}/${size}`;
}
