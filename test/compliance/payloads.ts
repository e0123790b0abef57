import { afterEach, describe, expect, it } from 'vitest';
import { PAYLOAD_CHUNK_BYTES, payloadId } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import {
  createPayloadExchange,
  NetError,
  type NetLimits,
  type PayloadLimits,
  type PayloadStore,
  type Transport,
} from '../../net/index.js';
import { Collector, soon } from './deadline.js';
import { TestNetwork, type TransportKind } from './network.js';

/** A payload whose chunks all differ. */
function payloadOf(bytes: number, seed = 1): Uint8Array {
  const payload = new Uint8Array(bytes);
  const view = new DataView(payload.buffer);
  for (let at = 0; at + 4 <= bytes; at += 4) view.setUint32(at, Math.imul(at + seed, 2_654_435_761));
  return payload;
}

class MapStore implements PayloadStore {
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

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await soon('a failure', promise);
    return 'no error';
  } catch (error) {
    if (error instanceof NetError) return error.code;
    throw error;
  }
}

/** The transport with another `serve`. */
function standIn(transport: Transport, serve: Transport['serve']): Transport {
  return new Proxy(transport, {
    get(target, name: keyof Transport) {
      if (name === 'serve') return serve;
      const value = target[name];
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** A peer that serves the chunk protocol by hand. The response is that of an honest peer, to spoil. */
function serveChunks(
  transport: Transport,
  payload: Uint8Array,
  spoil: (response: Uint8Array, index: number) => Uint8Array | Promise<Uint8Array>,
): Collector<number> {
  const asked = new Collector<number>();
  const serving = standIn(transport, (_protocol, handler) =>
    transport.serve(
      'payload-chunk/1',
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

/** What the payload exchange does over every transport. */
export function describePayloads(kind: TransportKind): void {
  describe(`${kind.name}: payloads`, () => {
    let network: TestNetwork;
    afterEach(() => network.stop());

    async function setUp(
      limits: Partial<NetLimits>,
      payloadLimits: Partial<PayloadLimits>,
      ...labels: string[]
    ) {
      network = new TestNetwork(kind, limits);
      const transports = await network.connected('fetcher', ...labels);
      const store = new MapStore();
      const exchange = createPayloadExchange({ transport: transports[0]!, store, limits: payloadLimits });
      return { fetcher: transports[0]!, others: transports.slice(1), store, exchange };
    }

    for (const bytes of [
      1,
      PAYLOAD_CHUNK_BYTES - 1,
      PAYLOAD_CHUNK_BYTES,
      PAYLOAD_CHUNK_BYTES + 1,
      7 * PAYLOAD_CHUNK_BYTES + 5,
    ]) {
      it(`pulls a payload of ${bytes} bytes and stores it`, async () => {
        const payload = payloadOf(bytes);
        const { others, store, exchange } = await setUp({}, {}, 'holder');
        createPayloadExchange({ transport: others[0]!, store: new MapStore(payload) });
        const id = payloadId(payload);
        const got = await soon('the payload', exchange.fetch(id, bytes, [others[0]!.self]));
        expect(bytesToHex(payloadId(got))).toBe(bytesToHex(id));
        expect(got.length).toBe(bytes);
        expect(store.has(id)).toBe(true);
      });
    }

    it('asks nobody for a payload it holds', async () => {
      const payload = payloadOf(10);
      const { store, exchange } = await setUp({}, {}, 'holder');
      await store.put(payloadId(payload), payload);
      expect(await soon('the payload', exchange.fetch(payloadId(payload), 10, []))).toEqual(payload);
    });

    it('passes over peers that do not hold it, are unknown or are itself, blaming nobody', async () => {
      const payload = payloadOf(100_000);
      const { fetcher, others, exchange } = await setUp({ penaltyPointsMax: 1 }, {}, 'empty', 'holder');
      createPayloadExchange({ transport: others[0]!, store: new MapStore() });
      createPayloadExchange({ transport: others[1]!, store: new MapStore(payload) });
      const id = payloadId(payload);
      const candidates = [fetcher.self, TestNetwork.key('nobody'), others[0]!.self, others[1]!.self];
      const got = await soon('the payload', exchange.fetch(id, payload.length, candidates));
      expect(bytesToHex(payloadId(got))).toBe(bytesToHex(id));
      expect(network.errors.values).toEqual([]);
    });

    it('fails with "unavailable" when nobody holds it, and finds it when asked again later', async () => {
      const payload = payloadOf(100_000);
      const { others, store, exchange } = await setUp({}, {}, 'late');
      const late = new MapStore();
      createPayloadExchange({ transport: others[0]!, store: late });
      const id = payloadId(payload);
      expect(await codeOf(exchange.fetch(id, payload.length, [others[0]!.self]))).toBe('unavailable');
      expect(await codeOf(exchange.fetch(id, payload.length, []))).toBe('unavailable');
      expect(store.has(id)).toBe(false);
      await late.put(id, payload);
      expect((await soon('it', exchange.fetch(id, payload.length, [others[0]!.self]))).length).toBe(100_000);
    });

    it('refuses sizes that no payload has, and blames nobody for a size that is wrong', async () => {
      const payload = payloadOf(100_000);
      const { others, exchange } = await setUp(
        { penaltyPointsMax: 1 },
        { payloadBytesMax: 200_000 },
        'holder',
      );
      for (const other of others) {
        createPayloadExchange({ transport: other, store: new MapStore(payload) });
      }
      const id = payloadId(payload);
      const peers = others.map((other) => other.self);
      for (const size of [0, -1, 1.5, 200_001]) {
        expect(await codeOf(exchange.fetch(id, size, peers))).toBe('too-large');
      }
      for (const size of [99_999, 140_000]) {
        expect(await codeOf(exchange.fetch(id, size, peers))).toBe('unavailable');
      }
      expect(network.errors.values).toEqual([]);
    });

    for (const [lie, spoil] of [
      [
        'a chunk with one bit changed',
        (response: Uint8Array) => {
          const changed = response.slice();
          changed[changed.length - 1]! ^= 1;
          return changed;
        },
      ],
      [
        'a proof with one bit changed',
        (response: Uint8Array) => {
          const changed = response.slice();
          changed[1]! ^= 1;
          return changed;
        },
      ],
      ['a chunk that is cut short', (response: Uint8Array) => response.slice(0, -1)],
      ['a response that is one byte', () => Uint8Array.of(255)],
    ] as const) {
      it(`replaces and shuts out a peer that sends ${lie}, keeping what was proved`, async () => {
        const payload = payloadOf(6 * PAYLOAD_CHUNK_BYTES);
        const { others, exchange } = await setUp(
          {},
          { chunksInFlight: 1, wrongChunkPoints: 100 },
          'liar',
          'honest',
        );
        serveChunks(others[0]!, payload, (response, index) => (index < 2 ? response : spoil(response)));
        const asked = serveChunks(others[1]!, payload, (response) => response);
        const id = payloadId(payload);
        const peers = others.map((other) => other.self);
        const got = await soon('the payload', exchange.fetch(id, payload.length, peers));
        expect(bytesToHex(payloadId(got))).toBe(bytesToHex(id));
        expect(asked.values).toEqual([2, 3, 4, 5]);
        expect(network.errors.values.map((error) => error.message)).toEqual([
          `shut out ${peers[0]}: wrong chunk of payload ${bytesToHex(id)}`,
        ]);
      });
    }

    it('replaces a peer that is silent', async () => {
      const payload = payloadOf(4 * PAYLOAD_CHUNK_BYTES);
      const { others, exchange } = await setUp({}, { chunkTimeoutMs: 300 }, 'silent', 'honest');
      serveChunks(others[0]!, payload, (response, index) => (index === 0 ? response : new Promise(() => {})));
      createPayloadExchange({ transport: others[1]!, store: new MapStore(payload) });
      const id = payloadId(payload);
      const got = await soon(
        'the payload',
        exchange.fetch(
          id,
          payload.length,
          others.map((other) => other.self),
        ),
      );
      expect(bytesToHex(payloadId(got))).toBe(bytesToHex(id));
      expect(network.errors.values).toEqual([]);
    });

    it('merges fetches of one payload, with the candidates of both', async () => {
      const payload = payloadOf(5 * PAYLOAD_CHUNK_BYTES);
      const { others, exchange } = await setUp({}, {}, 'empty', 'holder');
      createPayloadExchange({ transport: others[0]!, store: new MapStore() });
      const asked = serveChunks(others[1]!, payload, (response) => response);
      const id = payloadId(payload);
      const both = [
        exchange.fetch(id, payload.length, [others[0]!.self]),
        exchange.fetch(id, payload.length, [others[1]!.self]),
      ];
      const [first, second] = await soon('both', Promise.all(both));
      expect(first).toBe(second);
      expect([...asked.values].sort()).toEqual([0, 1, 2, 3, 4]);
    });

    it('lets each waiter give up by itself, and ends the fetch with the last', async () => {
      const payload = payloadOf(PAYLOAD_CHUNK_BYTES);
      const { others, store, exchange } = await setUp({}, {}, 'slow');
      const gate: (() => void)[] = [];
      const asked = serveChunks(
        others[0]!,
        payload,
        (response) => new Promise((resolve) => gate.push(() => resolve(response))),
      );
      const id = payloadId(payload);
      const peers = [others[0]!.self];
      const [one, two] = [new AbortController(), new AbortController()];
      const first = codeOf(exchange.fetch(id, payload.length, peers, one.signal));
      const second = exchange.fetch(id, payload.length, peers, two.signal);
      await asked.until('the chunk to be asked for', (values) => values.length === 1);
      one.abort();
      expect(await first).toBe('aborted');
      gate.shift()!();
      expect((await soon('the payload', second)).length).toBe(payload.length);
      expect(store.has(id)).toBe(true);

      const other = payloadOf(3 * PAYLOAD_CHUNK_BYTES, 2);
      const third = codeOf(exchange.fetch(payloadId(other), other.length, peers, two.signal));
      two.abort();
      expect(await third).toBe('aborted');
      expect(await codeOf(exchange.fetch(payloadId(other), other.length, peers, two.signal))).toBe('aborted');
    });

    it('begins anew for one who asks after the last waiter gave up', async () => {
      const payload = payloadOf(PAYLOAD_CHUNK_BYTES);
      const { others, exchange } = await setUp({}, { chunkTimeoutMs: 60_000 }, 'stuck', 'holder');
      const asked = serveChunks(others[0]!, payload, () => new Promise(() => {}));
      createPayloadExchange({ transport: others[1]!, store: new MapStore(payload) });
      const id = payloadId(payload);
      const giveUp = new AbortController();
      const first = codeOf(exchange.fetch(id, payload.length, [others[0]!.self], giveUp.signal));
      await asked.until('the chunk to be asked for', (values) => values.length === 1);
      giveUp.abort();
      expect(await first).toBe('aborted');
      const got = await soon('the payload', exchange.fetch(id, payload.length, [others[1]!.self]));
      expect(bytesToHex(payloadId(got))).toBe(bytesToHex(id));
    });

    it('bounds the bytes in flight and the fetches that wait', async () => {
      const payloads = [1, 2, 3].map((seed) => payloadOf(1_000, seed));
      const { fetcher, others, exchange } = await setUp(
        {},
        { inFlightBytesMax: 2_000, fetchesMax: 3 },
        'holder',
      );
      others[0]!.serve('ping', async (request) => request, { requestBytesMax: 1, concurrentMax: 1 });
      const gate = new Collector<() => void>();
      const store = new MapStore(...payloads);
      createPayloadExchange({
        transport: others[0]!,
        store: {
          has: (id) => store.has(id),
          get: (id) => new Promise((resolve) => gate.push(() => resolve(store.get(id)))),
          put: (id, bytes) => store.put(id, bytes),
        },
      });
      const fetch = (payload: Uint8Array) => exchange.fetch(payloadId(payload), 1_000, [others[0]!.self]);
      const fetches = payloads.map(fetch);
      await gate.until('two payloads to be asked for', (values) => values.length === 2);
      expect(await codeOf(fetch(payloadOf(1_000, 4)))).toBe('queue-full');
      // A third chunk request, had there been one, would have come before these.
      for (let nth = 0; nth < 10; nth += 1) {
        await soon('an answer', fetcher.request(others[0]!.self, 'ping', new Uint8Array(1)));
      }
      expect(gate.values.length).toBe(2);
      gate.values[0]!();
      await gate.until('the third payload to be asked for', (values) => values.length === 3);
      for (const open of gate.values) open();
      const got = await soon('all', Promise.all(fetches));
      expect(got).toEqual(payloads);
    });

    it('reads a payload that peers pull once, and again when others took its place', async () => {
      const [first, second] = [payloadOf(3 * PAYLOAD_CHUNK_BYTES), payloadOf(1_000, 2)];
      const { others } = await setUp({}, {}, 'holder', 'other');
      const held = new MapStore(first, second);
      createPayloadExchange({
        transport: others[0]!,
        store: held,
        limits: { servedBytesMax: first.length },
      });
      const pull = async (payload: Uint8Array) => {
        const exchange = createPayloadExchange({
          transport: standIn(others[1]!, () => {}),
          store: new MapStore(),
        });
        await soon('the payload', exchange.fetch(payloadId(payload), payload.length, [others[0]!.self]));
      };
      // One lane at a time may find it unread: the first three chunks are asked for at once.
      await pull(first);
      const reads = held.reads.values.length;
      await pull(first);
      expect(held.reads.values.length).toBe(reads);
      await pull(second);
      await pull(first);
      const name = bytesToHex(payloadId(first));
      expect(held.reads.values.slice(reads).filter((read) => read === name).length).toBeGreaterThan(0);
    });

    it('ends its fetches when it is closed', async () => {
      const payload = payloadOf(3 * PAYLOAD_CHUNK_BYTES);
      const { others, exchange } = await setUp(
        {},
        { inFlightBytesMax: 4 * PAYLOAD_CHUNK_BYTES, chunksInFlight: 1 },
        'slow',
      );
      const gate: (() => void)[] = [];
      const asked = serveChunks(
        others[0]!,
        payload,
        (response) => new Promise((resolve) => gate.push(() => resolve(response))),
      );
      const peers = [others[0]!.self];
      const running = codeOf(exchange.fetch(payloadId(payload), payload.length, peers));
      const waiting = codeOf(exchange.fetch(payloadId(payloadOf(200_000, 9)), 200_000, peers));
      await asked.until('a chunk to be asked for', (values) => values.length === 1);
      exchange.close();
      gate[0]!();
      expect([await running, await waiting]).toEqual(['aborted', 'aborted']);
    });

    it('passes on what the store throws', async () => {
      const payload = payloadOf(1_000);
      const { fetcher, others } = await setUp({}, {}, 'holder');
      createPayloadExchange({ transport: others[0]!, store: new MapStore(payload) });
      const broken: PayloadStore = {
        has: () => false,
        get: () => null,
        put: () => Promise.reject(new RangeError('disk full')),
      };
      const quiet = standIn(fetcher, () => {});
      const exchange = createPayloadExchange({ transport: quiet, store: broken });
      await expect(exchange.fetch(payloadId(payload), 1_000, [others[0]!.self])).rejects.toThrow('disk full');
    });
  });
}
