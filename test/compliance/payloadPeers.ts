import { PAYLOAD_CHUNK_BYTES, payloadId } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import {
  createPayloadExchange,
  memoryPartials,
  NetError,
  type NetLimits,
  type PartialPayloads,
  type PayloadExchange,
  type PayloadLimits,
  type PayloadStore,
  type Transport,
} from '../../net/index.js';
import { TestClock } from '../support/clock.js';
import { Collector, soon } from './deadline.js';
import { TestNetwork, type TransportKind } from './network.js';

/** A payload whose chunks all differ. */
export function payloadOf(bytes: number, seed = 1): Uint8Array {
  const payload = new Uint8Array(bytes);
  const view = new DataView(payload.buffer);
  for (let at = 0; at + 4 <= bytes; at += 4) view.setUint32(at, Math.imul(at + seed, 2_654_435_761));
  return payload;
}

export class MapStore implements PayloadStore {
  readonly reads = new Collector<string>();
  readonly #payloads = new Map<string, Uint8Array>();

  constructor(...payloads: readonly Uint8Array[]) {
    for (const payload of payloads) this.#payloads.set(bytesToHex(payloadId(payload)), payload);
  }
  has(id: Uint8Array): boolean {
    return this.#payloads.has(bytesToHex(id));
  }
  get(id: Uint8Array): Uint8Array | null {
    this.reads.push(bytesToHex(id));
    return this.#payloads.get(bytesToHex(id)) ?? null;
  }
  async put(id: Uint8Array, bytes: Uint8Array): Promise<void> {
    this.#payloads.set(bytesToHex(id), bytes);
  }
}

export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await soon('a failure', promise);
    return 'no error';
  } catch (error) {
    if (error instanceof NetError) return error.code;
    throw error;
  }
}

/** The transport with another `serve`. */
export function standIn(transport: Transport, serve: Transport['serve']): Transport {
  return new Proxy(transport, {
    get(target, name: keyof Transport) {
      if (name === 'serve') return serve;
      const value = target[name];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** A peer that serves the chunk protocol by hand. The response is that of an honest peer, to spoil. */
export function serveChunks(
  transport: Transport,
  payload: Uint8Array,
  spoil: (response: Uint8Array, index: number) => Uint8Array | Promise<Uint8Array>,
): Collector<number> {
  const asked = new Collector<number>();
  const serving = standIn(transport, (_protocol, handler) =>
    transport.serve(
      'payload-chunk/3',
      async (request, from) => {
        const index = new DataView(request.buffer, request.byteOffset).getUint32(36);
        asked.push(index);
        return spoil(await handler(request, from), index);
      },
      { requestBytesMax: 40, concurrentMax: 16 },
    ),
  );
  createPayloadExchange({ transport: serving, store: new MapStore(payload) });
  return asked;
}

export interface Setting {
  readonly limits?: Partial<NetLimits>;
  readonly payloadLimits?: Partial<PayloadLimits>;
  readonly partials?: PartialPayloads;
}

/** A node that fetches, and others. Its time stands still until the test moves it: so nothing is asked of two. */
export async function setUpFetcher(kind: TransportKind, setting: Setting, ...labels: string[]) {
  const { limits = {}, payloadLimits = {}, partials = memoryPartials() } = setting;
  const network = new TestNetwork(kind, limits);
  const transports = await network.connected('fetcher', ...labels);
  const store = new MapStore();
  const clock = new TestClock(0);
  const exchange = createPayloadExchange({
    transport: transports[0]!,
    store,
    partials,
    limits: payloadLimits,
    clock,
    // Chunks in their order, where nothing else decides.
    random: () => 0,
  });
  return { network, fetcher: transports[0]!, others: transports.slice(1), store, clock, exchange };
}

/** Fetches a payload and gives what is then in the store. */
export async function pull(
  { exchange, store }: { readonly exchange: PayloadExchange; readonly store: MapStore },
  payload: Uint8Array,
  peers: readonly Transport[],
): Promise<string> {
  const id = payloadId(payload);
  const keys = peers.map(({ self }) => self);
  await soon('the payload', exchange.fetch(id, payload.length, keys));
  const stored = store.get(id);
  return stored === null ? 'nothing' : bytesToHex(payloadId(stored));
}

export function idOf(payload: Uint8Array): string {
  return bytesToHex(payloadId(payload));
}

export function chunks(count: number): number {
  return count * PAYLOAD_CHUNK_BYTES;
}
