import { bytesToHex } from '../crypto/index.js';
import { CHUNK_PROTOCOL, CHUNK_REQUEST_BYTES, chunkResponder, decodeChunkRequest } from './chunk.js';
import type { PayloadLimits } from './limits.js';
import type { PayloadStore } from './payloads.js';
import type { Transport } from './transport.js';

interface Served {
  readonly size: number;
  readonly respond: (index: number) => Uint8Array;
}

export interface PayloadServerOptions {
  readonly transport: Transport;
  readonly store: PayloadStore;
  readonly limits: PayloadLimits;
  /** The response from a payload of that id and size that is being pulled; null if it isn't. */
  readonly respondPartly: (id: Uint8Array, size: number, index: number) => Promise<Uint8Array> | null;
}

/**
 * Answers chunk requests, from the store or from what has been pulled so far. A payload is read and its tree hashed
 * once for the requests that come together, one after another, so that those of one peer for many payloads don't fill
 * the memory; those last asked for are kept at hand, up to `servedBytesMax`.
 */
export function servePayloads({ transport, store, limits, respondPartly }: PayloadServerOptions): void {
  /** In order of last use. */
  const served = new Map<string, Served>();
  const reading = new Map<string, Promise<Served | null>>();
  let servedBytes = 0;
  /** Ends when the last of `reading` has. */
  let turn: Promise<unknown> = Promise.resolve();

  async function read(name: string, id: Uint8Array): Promise<Served | null> {
    const payload = await store.get(id);
    if (payload === null) return null;
    const found = { size: payload.length, respond: chunkResponder(payload) };
    keep(name, found);
    return found;
  }

  function keep(name: string, found: Served): void {
    served.set(name, found);
    servedBytes += found.size;
    for (const [oldest, { size }] of served) {
      if (servedBytes <= limits.servedBytesMax || served.size === 1) break;
      served.delete(oldest);
      servedBytes -= size;
    }
  }

  async function find(id: Uint8Array): Promise<Served | null> {
    const name = bytesToHex(id);
    const known = served.get(name);
    if (known !== undefined) {
      served.delete(name);
      served.set(name, known);
      return known;
    }
    if (!store.has(id)) return null;
    const underWay = reading.get(name);
    if (underWay !== undefined) return underWay;
    const begun = turn.then(() => read(name, id)).finally(() => reading.delete(name));
    reading.set(name, begun);
    turn = begun.then(
      () => {},
      () => {},
    );
    return begun;
  }

  transport.serve(
    CHUNK_PROTOCOL,
    async (bytes) => {
      const { id, size, index } = decodeChunkRequest(bytes);
      const found = await find(id);
      if (found === null) return (await respondPartly(id, size, index)) ?? new Uint8Array(0);
      return found.size === size ? found.respond(index) : new Uint8Array(0);
    },
    { requestBytesMax: CHUNK_REQUEST_BYTES, concurrentMax: limits.serveConcurrentMax },
  );
}
