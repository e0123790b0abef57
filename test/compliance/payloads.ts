import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { PAYLOAD_CHUNK_BYTES, payloadId } from '../../chain/index.js';
import { createPayloadExchange, type PayloadStore } from '../../net/index.js';
import { Collector, soon } from './deadline.js';
import { TestNetwork, type TransportKind } from './network.js';
import {
  chunks,
  codeOf,
  idOf,
  MapStore,
  payloadOf,
  pull,
  type Setting,
  serveChunks,
  setUpFetcher,
  standIn,
} from './payloadPeers.js';

/** What the payload exchange does over every transport. */
export function describePayloads(kind: TransportKind): void {
  describe(`${kind.name}: payloads`, () => {
    let network: TestNetwork;
    afterEach(() => network.stop());

    async function setUp(setting: Setting, ...labels: string[]) {
      const found = await setUpFetcher(kind, setting, ...labels);
      network = found.network;
      return found;
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
        const node = await setUp({}, 'holder');
        createPayloadExchange({ transport: node.others[0]!, store: new MapStore(payload) });
        expect(await pull(node, payload, node.others)).toBe(idOf(payload));
        expect(node.store.get(payloadId(payload))!.length).toBe(bytes);
      });
    }

    it('asks nobody for a payload it holds', async () => {
      const payload = payloadOf(10);
      const node = await setUp({}, 'holder');
      await node.store.put(payloadId(payload), payload);
      expect(await pull(node, payload, [])).toBe(idOf(payload));
    });

    it('passes over peers that do not hold it, are unknown or are itself, blaming nobody', async () => {
      const payload = payloadOf(100_000);
      const node = await setUp({ limits: { penaltyPointsMax: 1 } }, 'empty', 'holder');
      const { fetcher, others, exchange, store } = node;
      createPayloadExchange({ transport: others[0]!, store: new MapStore() });
      createPayloadExchange({ transport: others[1]!, store: new MapStore(payload) });
      const id = payloadId(payload);
      const candidates = [fetcher.self, TestNetwork.key('nobody'), others[0]!.self, others[1]!.self];
      await soon('the payload', exchange.fetch(id, payload.length, candidates));
      expect(store.has(id)).toBe(true);
      expect(network.errors.values).toEqual([]);
    });

    it('fails with "unavailable" when nobody holds it, and finds it when asked again later', async () => {
      const payload = payloadOf(100_000);
      const node = await setUp({}, 'late');
      const { others, store, exchange } = node;
      const late = new MapStore();
      createPayloadExchange({ transport: others[0]!, store: late });
      const id = payloadId(payload);
      expect(await codeOf(exchange.fetch(id, payload.length, [others[0]!.self]))).toBe('unavailable');
      expect(await codeOf(exchange.fetch(id, payload.length, []))).toBe('unavailable');
      expect(store.has(id)).toBe(false);
      await late.put(id, payload);
      expect(await pull(node, payload, others)).toBe(idOf(payload));
    });

    it('refuses sizes that no payload has, and blames nobody for a size that is wrong', async () => {
      const payload = payloadOf(100_000);
      const { others, exchange } = await setUp(
        { limits: { penaltyPointsMax: 1 }, payloadLimits: { payloadBytesMax: 200_000 } },
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

    it('merges fetches of one payload, with the candidates of both', async () => {
      const payload = payloadOf(chunks(5));
      const { others, exchange, store } = await setUp({}, 'empty', 'holder');
      const gate = new Collector<() => void>();
      serveChunks(others[0]!, payload, () => new Promise((open) => gate.push(() => open(new Uint8Array(0)))));
      const asked = serveChunks(others[1]!, payload, (response) => response);
      const id = payloadId(payload);
      const first = exchange.fetch(id, payload.length, [others[0]!.self]);
      await gate.until('the empty one to be asked', (values) => values.length === 1);
      const second = exchange.fetch(id, payload.length, [others[1]!.self]);
      gate.values[0]!();
      await soon('both', Promise.all([first, second]));
      expect([...asked.values].sort()).toEqual([0, 1, 2, 3, 4]);
      expect(store.has(id)).toBe(true);
    });

    it('lets each waiter give up by itself, and ends the fetch with the last', async () => {
      const payload = payloadOf(PAYLOAD_CHUNK_BYTES);
      const { others, store, exchange } = await setUp({}, 'slow');
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
      await soon('the payload', second);
      expect(store.has(id)).toBe(true);

      const other = payloadOf(chunks(3), 2);
      const third = codeOf(exchange.fetch(payloadId(other), other.length, peers, two.signal));
      two.abort();
      expect(await third).toBe('aborted');
      expect(await codeOf(exchange.fetch(payloadId(other), other.length, peers, two.signal))).toBe('aborted');
    });

    it('begins anew for one who asks after the last waiter gave up', async () => {
      const payload = payloadOf(PAYLOAD_CHUNK_BYTES);
      const node = await setUp({ payloadLimits: { chunkTimeoutMs: 60_000 } }, 'stuck', 'holder');
      const { others, exchange } = node;
      const asked = serveChunks(others[0]!, payload, () => new Promise(() => {}));
      createPayloadExchange({ transport: others[1]!, store: new MapStore(payload) });
      const giveUp = new AbortController();
      const first = codeOf(
        exchange.fetch(payloadId(payload), payload.length, [others[0]!.self], giveUp.signal),
      );
      await asked.until('the chunk to be asked for', (values) => values.length === 1);
      giveUp.abort();
      expect(await first).toBe('aborted');
      expect(await pull(node, payload, [others[1]!])).toBe(idOf(payload));
    });

    for (const [what, payloadLimits] of [
      ['bytes', { inFlightBytesMax: 2_000, fetchesMax: 3 }],
      ['number', { runningMax: 2, fetchesMax: 3 }],
    ] as const) {
      it(`bounds the fetches under way by ${what}, and those that wait`, async () => {
        const payloads = [1, 2, 3].map((seed) => payloadOf(1_000, seed));
        const { fetcher, others, exchange, store } = await setUp({ payloadLimits }, 'holder');
        others[0]!.serve('ping', async (request) => request, { requestBytesMax: 1, concurrentMax: 1 });
        const gate = new Collector<() => void>();
        const slow = standIn(others[0]!, (protocol, handler, limits) =>
          others[0]!.serve(
            protocol,
            async (request, from) => {
              await new Promise<void>((open) => gate.push(open));
              return handler(request, from);
            },
            limits,
          ),
        );
        createPayloadExchange({ transport: slow, store: new MapStore(...payloads) });
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
        await soon('all', Promise.all(fetches));
        expect(payloads.every((payload) => store.has(payloadId(payload)))).toBe(true);
      });
    }

    it('holds few whole payloads in memory: the next is put together when the store has taken one', async () => {
      const payloads = [1, 2, 3].map((seed) => payloadOf(chunks(2), seed));
      const { fetcher, others } = await setUp({}, 'holder');
      createPayloadExchange({ transport: others[0]!, store: new MapStore(...payloads) });
      const puts = new Collector<() => void>();
      const exchange = createPayloadExchange({
        transport: standIn(fetcher, () => {}),
        store: {
          has: () => false,
          get: () => null,
          put: () => new Promise<void>((resolve) => puts.push(resolve)),
        },
        limits: { wholeBytesMax: chunks(5) },
      });
      const fetches = payloads.map((payload) =>
        exchange.fetch(payloadId(payload), payload.length, [others[0]!.self]),
      );
      await puts.until('two payloads', (values) => values.length === 2);
      const served = others[0]!;
      for (let nth = 0; nth < 10; nth += 1) {
        await codeOf(fetcher.request(served.self, 'nothing', new Uint8Array(1)));
      }
      expect(puts.values.length).toBe(2);
      puts.values[0]!();
      await puts.until('the third', (values) => values.length === 3);
      for (const taken of puts.values) taken();
      await soon('all', Promise.all(fetches));
    });

    it('reads a payload once for peers that pull it, and again when another took its place', async () => {
      const [first, second] = [payloadOf(chunks(3)), payloadOf(1_000, 2)];
      const { others } = await setUp({}, 'holder', 'other');
      const held = new MapStore(first, second);
      createPayloadExchange({
        transport: others[0]!,
        store: held,
        limits: { servedBytesMax: first.length },
      });
      const pullAgain = async (payload: Uint8Array) => {
        const exchange = createPayloadExchange({
          transport: standIn(others[1]!, () => {}),
          store: new MapStore(),
        });
        await soon('the payload', exchange.fetch(payloadId(payload), payload.length, [others[0]!.self]));
      };
      await pullAgain(first);
      await pullAgain(first);
      expect(held.reads.values).toEqual([idOf(first)]);
      await pullAgain(second);
      await pullAgain(first);
      expect(held.reads.values).toEqual([idOf(first), idOf(second), idOf(first)]);
    });

    it('ends its fetches when it is closed', async () => {
      const payload = payloadOf(chunks(3));
      const { others, exchange } = await setUp(
        { payloadLimits: { inFlightBytesMax: chunks(4), chunksPerPeer: 1 } },
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
      await soon('the end', exchange.close());
      expect([await running, await waiting]).toEqual(['aborted', 'aborted']);
      gate[0]!();
    });

    it('takes no more when it is closed', async () => {
      const payload = payloadOf(1_000);
      const { others, store, exchange } = await setUp({}, 'holder');
      createPayloadExchange({ transport: others[0]!, store: new MapStore(payload) });
      await exchange.close();
      const fetched = exchange.fetch(payloadId(payload), payload.length, [others[0]!.self]);
      expect(await codeOf(fetched)).toBe('aborted');
      expect(store.has(payloadId(payload))).toBe(false);
    });

    it('pulls one that is over the bound of bytes under way alone', async () => {
      const payload = payloadOf(1_000);
      const node = await setUp({ payloadLimits: { inFlightBytesMax: 999 } }, 'holder');
      createPayloadExchange({ transport: node.others[0]!, store: new MapStore(payload) });
      expect(await pull(node, payload, node.others)).toBe(idOf(payload));
    });

    it('leaves nothing at a signal that outlives the fetch', async () => {
      const payload = payloadOf(1_000);
      const { others, exchange } = await setUp({}, 'holder');
      createPayloadExchange({ transport: others[0]!, store: new MapStore(payload) });
      const { signal } = new AbortController();
      const peers = [others[0]!.self];
      await soon('the payload', exchange.fetch(payloadId(payload), payload.length, peers, signal));
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    });

    it('passes on what the store throws', async () => {
      const payload = payloadOf(1_000);
      const { fetcher, others } = await setUp({}, 'holder');
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
