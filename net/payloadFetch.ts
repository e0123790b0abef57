import { payloadChunks } from '../chain/index.js';
import { bytesToHex } from '../crypto/index.js';
import {
  CHUNK_PROTOCOL,
  CHUNK_RESPONSE_BYTES_MAX,
  type ChunkRequest,
  chunkCount,
  chunkOffset,
  encodeChunkRequest,
  partlyResponse,
  readChunkResponse,
  responseInSlot,
} from './chunk.js';
import { type ChunkAsk, ChunkPlan } from './chunkPlan.js';
import type { NetClock } from './clock.js';
import { NetError } from './errors.js';
import type { PayloadLimits } from './limits.js';
import type { PartialPayload, PartialPayloads } from './partials.js';
import type { PeerPaces } from './peerPace.js';
import type { PeerKey, Transport } from './transport.js';

export interface PayloadFetchOptions {
  readonly transport: Transport;
  readonly limits: PayloadLimits;
  readonly partials: PartialPayloads;
  /** Shared by all fetches of a node. */
  readonly paces: PeerPaces;
  readonly clock: NetClock;
  readonly random: () => number;
  /** A request has ended: `pump` this fetch, and the others, which may have waited for the peer's window. */
  readonly onRoom: () => void;
}

/** A wake-up that comes so late says that this process stood still since it last looked, and nothing about the peers. */
const STALL_MS = 100;

/**
 * One payload being pulled: carries out its ChunkPlan. Each chunk is proved against the id as it comes and written
 * with its proof; in memory are only those under way. A fetch that ends early leaves what it has to the next one.
 */
export class PayloadFetch {
  readonly #options: PayloadFetchOptions;
  readonly #id: Uint8Array;
  readonly #size: number;
  readonly #plan: ChunkPlan;
  /** Bitmap of the chunks that lie in `#partial`. */
  readonly #written: Uint8Array;
  #partial: PartialPayload | null = null;
  #writing = 0;
  #settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | null = null;
  #cancelled = false;
  #wakeAt = Number.POSITIVE_INFINITY;
  #lookedAt = 0;
  #cancelWake: () => void = () => {};

  constructor(id: Uint8Array, size: number, options: PayloadFetchOptions) {
    const { limits, paces, random } = options;
    this.#options = options;
    this.#id = id;
    this.#size = size;
    const count = chunkCount(size);
    this.#plan = new ChunkPlan({ count, limits, paces, random });
    this.#written = new Uint8Array(Math.ceil(count / 8));
  }

  /** Adds peers to ask. */
  addCandidates(peers: readonly PeerKey[]): void {
    for (const peer of peers) this.#plan.add(peer);
    this.pump();
  }

  /** Nobody waits for it any more. */
  cancel(): void {
    this.#cancelled = true;
    this.#end(new NetError('aborted', 'nobody waits for the payload'));
  }

  /**
   * Resolves when every chunk is written. Fails with NetError "unavailable" when nobody is left to ask, "aborted"
   * when cancelled; with what the partial payload throws.
   */
  async run(): Promise<void> {
    this.#partial = await this.#options.partials.open(this.#id, this.#size);
    if (this.#partial.begun) await this.#recall();
    if (this.#cancelled) throw new NetError('aborted', 'nobody waits for the payload');
    await new Promise<void>((resolve, reject) => {
      this.#settle = { resolve, reject };
      this.pump();
    });
  }

  /** All chunks put together. Only after `run`. */
  async payload(): Promise<Uint8Array> {
    const payload = new Uint8Array(this.#size);
    const parts = payloadChunks(payload).map((into, index) => ({
      skip: chunkOffset(this.#size, index),
      into,
    }));
    await this.#partial!.gather(parts);
    return payload;
  }

  /** Leaves the chunks to the next fetch. */
  async close(): Promise<void> {
    const partial = this.#partial;
    this.#partial = null;
    await partial?.close();
  }

  /** Forgets the chunks: the payload is held, or they are of no use. */
  async remove(): Promise<void> {
    const partial = this.#partial;
    this.#partial = null;
    await partial?.remove();
  }

  /** What this fetch can answer a peer that pulls the same payload. */
  async respond(index: number): Promise<Uint8Array> {
    const has = ((this.#written[index >> 3] ?? 0) >> (index & 7)) & 1;
    return has === 1 && this.#partial !== null ? this.#response(index) : partlyResponse(this.#written);
  }

  /** Asks for what can be asked for now. Without effect on a fetch that has not begun or is over. */
  pump(): void {
    if (this.#settle === null) return;
    const { clock, transport, paces, limits } = this.#options;
    const now = clock.now();
    if (now - this.#wakeAt > STALL_MS) this.#plan.forgive(now - this.#lookedAt);
    this.#lookedAt = now;
    if (this.#plan.whole && this.#writing === 0) {
      this.#end(null);
      return;
    }
    for (const peer of this.#plan.late(now)) {
      if (!paces.markLate(peer)) continue;
      transport.penalize(peer, limits.latePoints, `no chunk of payload ${bytesToHex(this.#id)} in time`);
    }
    for (const ask of this.#plan.next(now)) void this.#ask(ask);
    if (this.#plan.exhausted) {
      const text = `none of ${this.#plan.sources} peers delivered ${bytesToHex(this.#id)}`;
      this.#end(new NetError('unavailable', text));
      return;
    }
    this.#arm(this.#plan.wakeAt(now), now);
  }

  #arm(wakeAt: number | null, now: number): void {
    this.#cancelWake();
    this.#wakeAt = wakeAt ?? Number.POSITIVE_INFINITY;
    this.#cancelWake =
      wakeAt === null
        ? () => {}
        : this.#options.clock.after(wakeAt - now, () => {
            this.pump();
          });
  }

  async #ask(ask: ChunkAsk): Promise<void> {
    const { transport, limits, paces, clock, onRoom } = this.#options;
    const { peer, index } = ask;
    const request = this.#requestOf(index);
    const askedAt = clock.now();
    let tookMs: number | null = null;
    try {
      const response = await transport.request(peer, CHUNK_PROTOCOL, encodeChunkRequest(request), {
        timeoutMs: limits.chunkTimeoutMs,
        responseBytesMax: CHUNK_RESPONSE_BYTES_MAX,
      });
      paces.heard(peer);
      const finding = readChunkResponse(response, request);
      if (finding.kind === 'chunk') tookMs = clock.now() - askedAt;
      if (finding.kind === 'chunk') await this.#take(ask, response);
      else if (finding.kind === 'not-held') this.#plan.lacked(ask, finding.has, clock.now());
      else this.#blame(ask);
    } catch (error) {
      if (error instanceof NetError) this.#failed(ask, error);
      else this.#end(error);
    }
    paces.end(peer, tookMs);
    onRoom();
  }

  /** A proved chunk. Until it is written the peer's window stays taken: a slow disk slows the asking. */
  async #take(ask: ChunkAsk, response: Uint8Array): Promise<void> {
    const known = this.#plan.holds(ask.index);
    this.#plan.delivered(ask);
    if (known || this.#settle === null) return;
    this.#writing += 1;
    await this.#partial!.write(ask.index, response);
    this.#writing -= 1;
    this.#noteWritten(ask.index);
  }

  #blame(ask: ChunkAsk): void {
    const { transport, limits } = this.#options;
    const reason = `wrong chunk of payload ${bytesToHex(this.#id)}`;
    transport.penalize(ask.peer, limits.wrongChunkPoints, reason);
    this.#plan.failed(ask);
  }

  #failed(ask: ChunkAsk, { code }: NetError): void {
    const { transport, limits, clock } = this.#options;
    // Busy, or our own bound on requests: as if it lacked the chunk for now.
    if (code === 'refused' || code === 'queue-full') {
      this.#plan.lacked(ask, null, clock.now());
      return;
    }
    if (code === 'timeout') transport.penalize(ask.peer, limits.latePoints, 'no answer to a chunk request');
    this.#plan.failed(ask);
  }

  #end(error: unknown): void {
    const settle = this.#settle;
    if (settle === null) return;
    this.#settle = null;
    this.#cancelWake();
    if (error === null) settle.resolve();
    else settle.reject(error);
  }

  /** Proves what an earlier fetch has left. */
  async #recall(): Promise<void> {
    for (let index = 0; index < chunkCount(this.#size); index += 1) {
      if (this.#cancelled) return;
      const slot = await this.#partial!.read(index);
      const request = this.#requestOf(index);
      if (readChunkResponse(responseInSlot(slot, request), request).kind !== 'chunk') continue;
      this.#plan.hold(index);
      this.#noteWritten(index);
    }
  }

  async #response(index: number): Promise<Uint8Array> {
    return responseInSlot(await this.#partial!.read(index), this.#requestOf(index));
  }

  #requestOf(index: number): ChunkRequest {
    return { id: this.#id, size: this.#size, index };
  }

  #noteWritten(index: number): void {
    this.#written[index >> 3]! |= 1 << (index & 7);
  }
}
