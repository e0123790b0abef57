import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { payloadId } from '../../chain/index.js';
import { CHUNK_PROTOCOL, CHUNK_RESPONSE_BYTES_MAX, chunkResponder, chunkSlotBytes } from '../../net/chunk.js';
import {
  createPayloadExchange,
  memoryPartials,
  type PartialPayloads,
  type Transport,
} from '../../net/index.js';
import { openPartials } from '../../node/partials.js';
import { Collector, soon } from './deadline.js';
import type { TestNetwork, TransportKind } from './network.js';
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

const honest = (response: Uint8Array) => response;
const never = () => new Promise<Uint8Array>(() => {});
const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

const lies: readonly (readonly [string, (response: Uint8Array) => Uint8Array])[] = [
  ['a chunk with one bit changed', (response) => withBit(response, response.length - 1)],
  ['a proof with one bit changed', (response) => withBit(response, 1)],
  ['a chunk that is cut short', (response) => response.slice(0, -1)],
  ['a response that is one byte', () => Uint8Array.of(254)],
  ['a bitmap of another length', () => Uint8Array.of(255, 0, 0, 0)],
];

function withBit(response: Uint8Array, at: number): Uint8Array {
  const changed = response.slice();
  changed[at]! ^= 1;
  return changed;
}

/** Some round trips between two nodes: what was on its way between them has arrived. */
async function passing(from: Transport, to: Transport): Promise<void> {
  for (let nth = 0; nth < 3; nth += 1) {
    const answer = from.request(to.self, 'nothing', new Uint8Array(0));
    await soon(
      'an answer',
      answer.catch(() => new Uint8Array(0)),
    );
  }
}

/** How a payload is pulled from several peers, some of them bad, and after an interruption. */
export function describePayloadSources(kind: TransportKind): void {
  describe(`${kind.name}: payloads from several peers`, () => {
    let network: TestNetwork;
    let folder: string | null = null;
    afterEach(async () => {
      await network.stop();
      if (folder !== null) await rm(folder, { recursive: true, force: true });
      folder = null;
    });

    async function setUp(setting: Setting, ...labels: string[]) {
      const found = await setUpFetcher(kind, setting, ...labels);
      network = found.network;
      return found;
    }

    it('asks all of them at once, each for a few chunks, and none for a chunk that was asked of another', async () => {
      const count = 24;
      const payload = payloadOf(chunks(count));
      const node = await setUp({ payloadLimits: { chunksPerPeer: 3 } }, 'a', 'b', 'c');
      const open = node.others.map(() => 0);
      const most = node.others.map(() => 0);
      const gate = new Collector<() => void>();
      const asked = node.others.map((other, peer) =>
        serveChunks(other, payload, (response) => {
          open[peer]! += 1;
          most[peer] = Math.max(most[peer]!, open[peer]!);
          return new Promise((resolve) =>
            gate.push(() => {
              open[peer]! -= 1;
              resolve(response);
            }),
          );
        }),
      );
      const pulled = pull(node, payload, node.others);
      // One each until it has delivered, then three each: all windows are full before anything is answered.
      await gate.until('a first chunk of each', (values) => values.length === 3);
      for (const answer of gate.values.slice()) answer();
      await gate.until('full windows', (values) => values.length === 12);
      for (let answered = 3; answered < count; answered += 1) {
        await gate.until('another request', (values) => values.length > answered);
        gate.values[answered]!();
      }
      expect(await pulled).toBe(idOf(payload));
      expect(sorted(asked.flatMap(({ values }) => values))).toEqual(upTo(count));
      expect(most).toEqual([3, 3, 3]);
    });

    for (const [lie, spoil] of lies) {
      it(`replaces and shuts out a peer that sends ${lie}, keeping what was proved`, async () => {
        const payload = payloadOf(chunks(6));
        const node = await setUp({ payloadLimits: { wrongChunkPoints: 100 } }, 'liar', 'honest');
        const { others } = node;
        const good = new Set([0, 1]);
        const lied = serveChunks(others[0]!, payload, (response, index) =>
          good.has(index) ? response : spoil(response),
        );
        const gate = new Collector<() => void>();
        const asked = serveChunks(
          others[1]!,
          payload,
          (response) => new Promise((resolve) => gate.push(() => resolve(response))),
        );
        const pulled = pull(node, payload, others);
        await network.errors.until('the liar to be shut out', (values) => values.length === 1);
        const delivered = lied.values.filter((index) => good.has(index));
        for (let nth = 0; nth < 6 - delivered.length; nth += 1) {
          await gate.until('a request', (values) => values.length > nth);
          gate.values[nth]!();
        }
        expect(await pulled).toBe(idOf(payload));
        expect(sorted([...delivered, ...asked.values])).toEqual(upTo(6));
        expect(network.errors.values.map((error) => error.message)).toEqual([
          `shut out ${others[0]!.self}: wrong chunk of payload ${idOf(payload)}`,
        ]);
      });
    }

    it('takes no answer of more bytes than a chunk and its proof can have', async () => {
      const payload = payloadOf(chunks(2));
      const limits = { oversizePoints: 5, penaltyPointsMax: 5, penaltyDecayPerSecond: 0 };
      const node = await setUp({ limits }, 'lavish', 'honest');
      const { others } = node;
      serveChunks(others[0]!, payload, () => new Uint8Array(CHUNK_RESPONSE_BYTES_MAX + 1));
      serveChunks(others[1]!, payload, honest);
      expect(await pull(node, payload, others)).toBe(idOf(payload));
      await network.errors.until('the penalty', (values) => values.length === 1);
      expect(network.errors.values[0]!.message).toContain(
        `shut out ${others[0]!.self}: ${CHUNK_PROTOCOL} response`,
      );
    });

    it('asks one that sent a wrong chunk no more for this payload, shut out or not', async () => {
      const payload = payloadOf(chunks(2));
      const node = await setUp({ payloadLimits: { wrongChunkPoints: 1 } }, 'liar', 'slow');
      const { fetcher, others, clock } = node;
      const lied = serveChunks(others[0]!, payload, (response) => withBit(response, response.length - 1));
      let isReady = false;
      serveChunks(others[1]!, payload, (response) => (isReady ? response : Uint8Array.of(255, 0)));
      const pulled = pull(node, payload, others);
      await lied.until('the liar to be asked', (values) => values.length === 1);
      for (let nth = 0; nth < 4; nth += 1) {
        await passing(fetcher, others[0]!);
        clock.advance(500);
        await passing(fetcher, others[1]!);
      }
      isReady = true;
      const time = setInterval(() => clock.advance(100), 5);
      expect(await pulled.finally(() => clearInterval(time))).toBe(idOf(payload));
      expect(lied.values.length).toBe(1);
    });

    it('asks one that let a request run out of time no more, and takes its standing', async () => {
      const payload = payloadOf(chunks(2));
      const limits = { penaltyPointsMax: 10, penaltyDecayPerSecond: 0 };
      const node = await setUp({ limits, payloadLimits: { chunkTimeoutMs: 50 } }, 'silent', 'slow');
      const { fetcher, others, clock } = node;
      const unheard = serveChunks(others[0]!, payload, never);
      others[0]!.serve('hang', never, { requestBytesMax: 0, concurrentMax: 1 });
      let isReady = false;
      serveChunks(others[1]!, payload, (response) => (isReady ? response : Uint8Array.of(255, 0)));
      const pulled = pull(node, payload, others);
      await unheard.until('the silent one to be asked', (values) => values.length === 1);
      // Begun later and given longer: when it is over, so is the chunk's.
      const hung = fetcher.request(others[0]!.self, 'hang', new Uint8Array(0), { timeoutMs: 60 });
      expect(await codeOf(hung)).toBe('timeout');
      for (let nth = 0; nth < 4; nth += 1) {
        clock.advance(500);
        await passing(fetcher, others[1]!);
      }
      isReady = true;
      const time = setInterval(() => clock.advance(100), 5);
      expect(await pulled.finally(() => clearInterval(time))).toBe(idOf(payload));
      expect(unheard.values.length).toBe(1);
      // Five points for the answer that never came: five more are its last.
      fetcher.penalize(others[0]!.self, 5, 'by the test');
      await network.errors.until('the penalty', (values) => values.length === 1);
    });

    it('ends with one that says it has chunks and never sends any', async () => {
      const payload = payloadOf(chunks(3));
      const node = await setUp({ payloadLimits: { chunksPerPeer: 1 } }, 'liar');
      const { others, exchange, clock } = node;
      const asked = serveChunks(others[0]!, payload, () => Uint8Array.of(255, 0b111));
      const time = setInterval(() => clock.advance(200), 1);
      const peers = [others[0]!.self];
      const result = codeOf(exchange.fetch(payloadId(payload), payload.length, peers));
      expect(await result.finally(() => clearInterval(time))).toBe('unavailable');
      // Once for the bitmap, which was news, and eight times in vain.
      expect(asked.values.length).toBeLessThanOrEqual(9);
    });

    it('replaces a peer that announced and is silent within 2 s, and takes its standing', async () => {
      const payload = payloadOf(chunks(4));
      const limits = { penaltyPointsMax: 5, penaltyDecayPerSecond: 0 };
      const node = await setUp({ limits }, 'silent', 'other');
      const { others, clock } = node;
      const unheard = serveChunks(others[0]!, payload, never);
      // The other is pulling it too, and gets the chunk in question last.
      let isWhole = false;
      const asked = serveChunks(others[1]!, payload, (response, index) =>
        isWhole || index !== unheard.values[0] ? response : Uint8Array.of(255, 0b1111 ^ (1 << index)),
      );
      const pulled = pull(node, payload, others);
      await unheard.until('the silent one to be asked', (values) => values.length === 1);
      await asked.until('the rest to be asked of the other', (values) => values.length === 3);
      const pass = async (ms: number) => {
        clock.advance(ms);
        // What was asked by then has come by.
        await passing(node.fetcher, others[1]!);
      };
      while (!asked.values.includes(unheard.values[0]!)) {
        expect(clock.now()).toBeLessThan(2_000);
        await pass(50);
      }
      while (clock.now() < 950) await pass(50);
      expect(network.errors.values).toEqual([]);
      await pass(50);
      await network.errors.until('the penalty', (values) => values.length === 1);
      expect(network.errors.values[0]!.message).toBe(
        `shut out ${others[0]!.self}: no chunk of payload ${idOf(payload)} in time`,
      );
      isWhole = true;
      const count = asked.values.length;
      while (asked.values.length === count) {
        expect(clock.now()).toBeLessThan(5_000);
        await pass(50);
      }
      expect(await pulled).toBe(idOf(payload));
    });

    it('asks a second peer for what a slow one holds up at the end, and takes what comes first', async () => {
      const payload = payloadOf(chunks(8));
      const node = await setUp({ limits: { penaltyPointsMax: 1 } }, 'slow', 'fast');
      const { others, clock } = node;
      const gate = new Collector<() => void>();
      const slow = serveChunks(
        others[0]!,
        payload,
        (response) => new Promise((resolve) => gate.push(() => resolve(response))),
      );
      const fast = serveChunks(others[1]!, payload, honest);
      const pulled = pull(node, payload, others);
      await slow.until('the slow one to be asked', (values) => values.length === 1);
      await fast.until('the rest to be asked of the fast one', (values) => values.length === 7);
      clock.advance(60);
      expect(await pulled).toBe(idOf(payload));
      expect(sorted(fast.values)).toEqual(upTo(8));
      // What comes too late is neither needed nor held against it.
      gate.values[0]!();
      expect(network.errors.values).toEqual([]);
    });

    it('waits for a peer that is slow and the only one', async () => {
      const payload = payloadOf(chunks(3));
      const node = await setUp({ limits: { penaltyDecayPerSecond: 0 } }, 'slow');
      const gate = new Collector<() => void>();
      const asked = serveChunks(
        node.others[0]!,
        payload,
        (response) => new Promise((resolve) => gate.push(() => resolve(response))),
      );
      const pulled = pull(node, payload, node.others);
      for (let nth = 0; nth < 3; nth += 1) {
        await gate.until('a request', (values) => values.length > nth);
        node.clock.advance(5_000);
        gate.values[nth]!();
      }
      expect(await pulled).toBe(idOf(payload));
      expect(sorted(asked.values)).toEqual(upTo(3));
    });

    it('asks one who had nothing again while another delivers', async () => {
      const payload = payloadOf(chunks(4));
      const node = await setUp({ payloadLimits: { chunksPerPeer: 1 } }, 'holder', 'later');
      const { others, clock } = node;
      const gate = new Collector<() => void>();
      serveChunks(
        others[0]!,
        payload,
        (response) => new Promise((resolve) => gate.push(() => resolve(response))),
      );
      const later = new MapStore();
      createPayloadExchange({ transport: others[1]!, store: later });
      const pulled = pull(node, payload, others);
      await gate.until('the holder to be asked', (values) => values.length === 1);
      await later.put(payloadId(payload), payload);
      // All but what the holder has under way.
      for (let served = 0; served < 200 && later.reads.values.length === 0; served += 1) {
        clock.advance(10);
        await soon(
          'an answer',
          node.fetcher.request(others[1]!.self, 'none', new Uint8Array(0)).catch(() => 0),
        );
      }
      expect(later.reads.values.length).toBe(1);
      gate.values[0]!();
      for (let nth = 1; nth < 4; nth += 1) setImmediate(() => gate.values[nth]?.());
      const passing = setInterval(() => {
        clock.advance(100);
        for (const answer of gate.values) answer();
      }, 5);
      expect(await pulled.finally(() => clearInterval(passing))).toBe(idOf(payload));
    });

    it('serves what it has so far of a payload that it is pulling itself', async () => {
      const count = 6;
      const payload = payloadOf(chunks(count));
      const node = await setUp({ payloadLimits: { chunksPerPeer: 2 } }, 'holder', 'third');
      const { others, fetcher, clock } = node;
      const gate = new Collector<() => void>();
      const asked = serveChunks(
        others[0]!,
        payload,
        (response) => new Promise((resolve) => gate.push(() => resolve(response))),
      );
      const pulled = pull(node, payload, [others[0]!]);
      for (let nth = 0; nth < 3; nth += 1) {
        await gate.until('a request', (values) => values.length > nth);
        gate.values[nth]!();
      }
      await asked.until('the next two', (values) => values.length === 5);
      // The third node knows of the second alone: it gets three chunks from it, and the others when they are there.
      const third = new MapStore();
      const partly = createPayloadExchange({ transport: others[1]!, store: third, clock, random: () => 0 });
      const thirdPulled = partly.fetch(payloadId(payload), payload.length, [fetcher.self]);
      const time = setInterval(() => clock.advance(20), 5);
      for (let nth = 3; nth < count; nth += 1) {
        await gate.until('a request', (values) => values.length > nth);
        gate.values[nth]!();
      }
      expect(await pulled).toBe(idOf(payload));
      await soon('the payload at the third', thirdPulled).finally(() => clearInterval(time));
      expect(third.has(payloadId(payload))).toBe(true);
      // Time has moved: the end may have been asked for again, but only of the one holder.
      expect(new Set(asked.values)).toEqual(new Set(upTo(count)));
    });

    const places: readonly (readonly [string, (at: string) => () => Promise<PartialPayloads>])[] = [
      [
        'memory, the fetch was given up',
        () => {
          const partials = memoryPartials();
          return async () => partials;
        },
      ],
      ['disk, the node was restarted', (at) => () => openPartials(at, () => false)],
    ];
    for (const [where, placeAt] of places) {
      it(`goes on with the chunks it has (in ${where})`, async () => {
        const count = 8;
        const payload = payloadOf(chunks(count) - 5);
        folder = await mkdtemp(join(tmpdir(), 'consilium-partials-'));
        const openPlace = placeAt(folder);
        const payloadLimits = { chunksPerPeer: 1 };
        const node = await setUp({ payloadLimits, partials: await openPlace() }, 'holder');
        const { others, fetcher, exchange, store } = node;
        const asked = serveChunks(others[0]!, payload, (response) =>
          asked.values.length <= 3 ? response : never(),
        );
        const giveUp = new AbortController();
        const first = exchange
          .fetch(payloadId(payload), payload.length, [others[0]!.self], giveUp.signal)
          .catch((error) => error.code);
        // One at a time: the fourth is asked for when the third is written.
        await asked.until('the fourth', (values) => values.length === 4);
        giveUp.abort();
        expect(await first).toBe('aborted');
        await soon('the end', exchange.close());

        const again: number[] = [];
        const honestResponse = chunkResponder(payload);
        const partials = await openPlace();
        const quiet = standIn(fetcher, () => {});
        const counting = new Proxy(quiet, {
          get: (target, name: keyof typeof quiet) => {
            if (name !== 'request') return target[name];
            return async (_peer: string, _protocol: string, request: Uint8Array) => {
              const index = new DataView(request.buffer, request.byteOffset).getUint32(36);
              again.push(index);
              return honestResponse(index);
            };
          },
        });
        const restarted = createPayloadExchange({ transport: counting, store, partials });
        expect(await pull({ exchange: restarted, store }, payload, others)).toBe(idOf(payload));
        const before = asked.values.slice(0, 3);
        expect(sorted([...before, ...again])).toEqual(upTo(count));
        expect(await readdir(folder)).toEqual([]);
      });
    }

    it('asks again for a chunk that the disk has altered, and for no other', async () => {
      const count = 5;
      const payload = payloadOf(chunks(count));
      folder = await mkdtemp(join(tmpdir(), 'consilium-partials-'));
      const partials = await openPartials(folder, () => false);
      const response = chunkResponder(payload);
      const begun = await partials.open(payloadId(payload), payload.length);
      for (const index of [0, 1, 2, 4]) await begun.write(index, response(index));
      await begun.close();
      const [file] = await readdir(folder);
      const handle = await open(join(folder, file!), 'r+');
      await handle.write(
        Uint8Array.of(response(1)[1_000]! ^ 1),
        0,
        1,
        chunkSlotBytes(payload.length) + 1_000,
      );
      await handle.close();
      const node = await setUp({ partials: await openPartials(folder, () => false) }, 'holder');
      const asked = serveChunks(node.others[0]!, payload, honest);
      expect(await pull(node, payload, node.others)).toBe(idOf(payload));
      expect(sorted(asked.values)).toEqual([1, 3]);
    });
  });
}
