import { bytesToHex } from '../crypto/index.js';
import { CHUNK_PROTOCOL, CHUNK_REQUEST_BYTES, chunkResponder, decodeChunkRequest } from './chunk.js';
import { NetError } from './errors.js';
import { defaultPayloadLimits, type PayloadLimits } from './limits.js';
import { PayloadFetch, type PayloadFetchOptions } from './payloadFetch.js';
import { Permits } from './permits.js';
import type { PeerKey, Transport } from './transport.js';

/** Where payloads rest. `id` is the payload's id, 32 bytes. */
export interface PayloadStore {
  has(id: Uint8Array): boolean;
  get(id: Uint8Array): Uint8Array | null | Promise<Uint8Array | null>;
  put(id: Uint8Array, bytes: Uint8Array): Promise<void>;
}

export interface PayloadExchange {
  /**
   * The payload of that id and size: from the store, or pulled chunk by proved chunk from the candidates, in their
   * order, and stored before it is returned. Fetches of one payload at the same time are one fetch, with the
   * candidates of all; fetches beyond `inFlightBytesMax` wait, first come first served. A payload of that id and
   * another size is not it: nobody holds it then.
   *
   * Fails with NetError "too-large" (size 0 or over `payloadBytesMax`), "queue-full", "unavailable" (each
   *   candidate was tried once), "aborted" (the signal, or the exchange was closed); with what `put` throws.
   */
  fetch(
    id: Uint8Array,
    size: number,
    candidates: readonly PeerKey[],
    signal?: AbortSignal,
  ): Promise<Uint8Array>;
  /** Ends the fetches under way with "aborted". */
  close(): void;
}

export interface PayloadExchangeOptions {
  readonly transport: Transport;
  readonly store: PayloadStore;
  readonly limits?: Partial<PayloadLimits>;
}

/** Serves the store's payloads to the peers and fetches from them. One per transport. */
export function createPayloadExchange(options: PayloadExchangeOptions): PayloadExchange {
  const limits = { ...defaultPayloadLimits, ...options.limits };
  servePayloads(options.transport, options.store, limits);
  return new Exchange(options.transport, options.store, limits);
}

interface Job {
  readonly name: string;
  readonly size: number;
  readonly fetch: PayloadFetch;
  readonly result: Promise<Uint8Array>;
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
  #inFlightBytes = 0;
  #closed = false;

  constructor(transport: Transport, store: PayloadStore, limits: PayloadLimits) {
    this.#store = store;
    this.#limits = limits;
    this.#fetchOptions = { transport, limits, permits: new Permits(limits.chunksPerPeer) };
  }

  async fetch(
    id: Uint8Array,
    size: number,
    candidates: readonly PeerKey[],
    signal?: AbortSignal,
  ): Promise<Uint8Array> {
    if (!Number.isSafeInteger(size) || size < 1 || size > this.#limits.payloadBytesMax) {
      throw new NetError('too-large', `payload of ${size} bytes, 1 to ${this.#limits.payloadBytesMax}`);
    }
    const held = this.#store.has(id) ? await this.#store.get(id) : null;
    if (held !== null) return held;
    if (this.#closed || signal?.aborted) throw new NetError('aborted', 'fetch given up');
    const name = `${bytesToHex(id)}/${size}`;
    const job = this.#jobs.get(name) ?? this.#open(name, id.slice(), size);
    job.fetch.addCandidates(candidates);
    this.#beginNext();
    return this.#await(job, signal);
  }

  close(): void {
    this.#closed = true;
    for (const job of this.#jobs.values()) this.#giveUp(job);
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
    const result = this.#run(turn, fetch, id, size).finally(() => this.#forget(job));
    // Each waiter handles the failure; with none left nobody needs to.
    result.catch(() => {});
    const job: Job = { name, size, fetch, result, begin, fail, waiters: 0 };
    this.#jobs.set(name, job);
    this.#queue.push(job);
    return job;
  }

  async #run(turn: Promise<void>, fetch: PayloadFetch, id: Uint8Array, size: number): Promise<Uint8Array> {
    await turn;
    try {
      const payload = await fetch.run();
      await this.#store.put(id, payload);
      return payload;
    } finally {
      this.#inFlightBytes -= size;
      this.#beginNext();
    }
  }

  /** Starts waiting fetches, in order, while their bytes fit. One always fits: a payload is below the bound. */
  #beginNext(): void {
    for (let job = this.#queue[0]; job !== undefined; job = this.#queue[0]) {
      const fits = this.#inFlightBytes + job.size <= this.#limits.inFlightBytesMax;
      if (!fits && this.#inFlightBytes > 0) return;
      this.#queue.shift();
      this.#inFlightBytes += job.size;
      job.begin();
    }
  }

  #await(job: Job, signal: AbortSignal | undefined): Promise<Uint8Array> {
    job.waiters += 1;
    return new Promise<Uint8Array>((resolve, reject) => {
      const onAbort = () => reject(new NetError('aborted', 'fetch given up'));
      signal?.addEventListener('abort', onAbort, { once: true });
      const done = () => signal?.removeEventListener('abort', onAbort);
      job.result.then(resolve, reject).finally(done);
    }).finally(() => {
      job.waiters -= 1;
      if (job.waiters === 0) this.#giveUp(job);
    });
  }

  #forget(job: Job): void {
    if (this.#jobs.get(job.name) === job) this.#jobs.delete(job.name);
  }

  /** Ends a fetch for all its waiters; without effect on one that is done. Who asks next begins anew. */
  #giveUp(job: Job): void {
    this.#forget(job);
    job.fetch.cancel();
    const place = this.#queue.indexOf(job);
    if (place < 0) return;
    this.#queue.splice(place, 1);
    job.fail(new NetError('aborted', 'fetch given up'));
  }
}

interface Served {
  readonly size: number;
  readonly respond: (index: number) => Uint8Array;
}

/** Answers chunk requests from the store; keeps the payloads last asked for at hand, up to `servedBytesMax`. */
function servePayloads(transport: Transport, store: PayloadStore, limits: PayloadLimits): void {
  /** In order of last use. */
  const served = new Map<string, Served>();
  let servedBytes = 0;

  async function find(id: Uint8Array): Promise<Served | null> {
    const name = bytesToHex(id);
    const known = served.get(name);
    if (known !== undefined) {
      served.delete(name);
      served.set(name, known);
      return known;
    }
    const payload = store.has(id) ? await store.get(id) : null;
    if (payload === null) return null;
    const found = { size: payload.length, respond: chunkResponder(payload) };
    if (!served.has(name)) servedBytes += found.size;
    served.set(name, found);
    for (const [oldest, { size }] of served) {
      if (servedBytes <= limits.servedBytesMax) break;
      served.delete(oldest);
      servedBytes -= size;
    }
    return found;
  }

  transport.serve(
    CHUNK_PROTOCOL,
    async (bytes) => {
      const { id, size, index } = decodeChunkRequest(bytes);
      const found = await find(id);
      return found === null || found.size !== size ? new Uint8Array(0) : found.respond(index);
    },
    { requestBytesMax: CHUNK_REQUEST_BYTES, concurrentMax: limits.serveConcurrentMax },
  );
}
