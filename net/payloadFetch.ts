import { PAYLOAD_CHUNK_BYTES } from '../chain/index.js';
import { bytesToHex } from '../crypto/index.js';
import {
  CHUNK_PROTOCOL,
  CHUNK_RESPONSE_BYTES_MAX,
  chunkCount,
  encodeChunkRequest,
  readChunkResponse,
} from './chunk.js';
import { NetError } from './errors.js';
import type { PayloadLimits } from './limits.js';
import type { Permits } from './permits.js';
import type { PeerKey, Transport } from './transport.js';

export interface PayloadFetchOptions {
  readonly transport: Transport;
  readonly limits: PayloadLimits;
  /** Chunk requests at a time to each peer, shared by all fetches. */
  readonly permits: Permits<PeerKey>;
}

/**
 * One payload being pulled. One peer at a time is the source; `chunksInFlight` lanes ask it for chunks, and each
 * chunk is proved against the id as it comes. A source that has not got the payload, is silent for `chunkTimeoutMs`
 * or sends a wrong chunk is replaced by the next candidate, and what was proved is kept.
 */
export class PayloadFetch {
  readonly #options: PayloadFetchOptions;
  readonly #id: Uint8Array;
  readonly #size: number;
  /** Allocated when the fetch runs: one that waits takes no room. */
  #payload = new Uint8Array(0);
  readonly #candidates: PeerKey[] = [];
  /** Chunks that no lane has taken, last first. */
  readonly #open: number[];
  /** Index in `#candidates` of the source. */
  #source = 0;
  #cancelled = false;

  constructor(id: Uint8Array, size: number, options: PayloadFetchOptions) {
    this.#options = options;
    this.#id = id;
    this.#size = size;
    const count = chunkCount(size);
    this.#open = Array.from({ length: count }, (_, nth) => count - 1 - nth);
  }

  /** Adds peers to ask, after those already known. */
  addCandidates(peers: readonly PeerKey[]): void {
    for (const peer of peers) {
      if (this.#candidates.length >= this.#options.limits.candidatesMax) return;
      if (peer !== this.#options.transport.self && !this.#candidates.includes(peer)) {
        this.#candidates.push(peer);
      }
    }
  }

  /** Nobody waits for it any more. Lanes end with the request they have under way. */
  cancel(): void {
    this.#cancelled = true;
  }

  /** Fails with NetError "unavailable" when the candidates are used up, "aborted" when cancelled. */
  async run(): Promise<Uint8Array> {
    this.#payload = new Uint8Array(this.#size);
    const lanes = Math.min(this.#options.limits.chunksInFlight, this.#open.length);
    await Promise.all(Array.from({ length: lanes }, () => this.#lane()));
    return this.#payload;
  }

  async #lane(): Promise<void> {
    for (let index = this.#open.pop(); index !== undefined; index = this.#open.pop()) {
      while (!(await this.#pull(index))) {
        // The source failed and the next one, if any, is in place: ask that one.
      }
    }
  }

  /** Asks the source for one chunk; false if the source failed. */
  async #pull(index: number): Promise<boolean> {
    const { permits, limits, transport } = this.#options;
    const peer = this.#currentSource();
    await permits.take(peer);
    try {
      if (this.#currentSource() !== peer) return false;
      const chunk = { id: this.#id, size: this.#size, index };
      const response = await transport.request(peer, CHUNK_PROTOCOL, encodeChunkRequest(chunk), {
        timeoutMs: limits.chunkTimeoutMs,
        responseBytesMax: CHUNK_RESPONSE_BYTES_MAX,
      });
      const finding = readChunkResponse(response, chunk);
      if (finding.kind === 'chunk') {
        this.#payload.set(finding.chunk, index * PAYLOAD_CHUNK_BYTES);
        return true;
      }
      if (finding.kind === 'wrong') {
        transport.penalize(peer, limits.wrongChunkPoints, `wrong chunk of payload ${bytesToHex(this.#id)}`);
      }
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
    } finally {
      permits.give(peer);
    }
    this.#replace(peer);
    return false;
  }

  #currentSource(): PeerKey {
    if (this.#cancelled) throw new NetError('aborted', 'nobody waits for the payload');
    const peer = this.#candidates[this.#source];
    if (peer === undefined) {
      throw new NetError(
        'unavailable',
        `none of ${this.#candidates.length} peers delivered ${bytesToHex(this.#id)}`,
      );
    }
    return peer;
  }

  /** Several lanes may find the same source wanting: it is replaced once. */
  #replace(peer: PeerKey): void {
    if (this.#candidates[this.#source] === peer) this.#source += 1;
  }
}
