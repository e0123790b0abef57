import { describe, expect, it } from 'vitest';
import { payloadId } from '../../../chain/index.js';
import {
  CHUNK_REQUEST_BYTES,
  chunkResponder,
  encodeChunkRequest,
  partlyResponse,
  readChunkResponse,
} from '../../../net/chunk.js';
import {
  defaultPayloadLimits,
  type PayloadLimits,
  type RequestHandler,
  type ServeLimits,
  type Transport,
} from '../../../net/index.js';
import { servePayloads } from '../../../net/payloadServer.js';

/** The serving side alone: its handler is called as a transport would. */

const SIZE = 1_000;
const [first, second, third] = [1, 2, 3].map((byte) => new Uint8Array(SIZE).fill(byte)) as [
  Uint8Array,
  Uint8Array,
  Uint8Array,
];
const nothing = new Uint8Array(0);

function setUp(changed: Partial<PayloadLimits> = {}, get?: (name: number) => Promise<Uint8Array | null>) {
  const limits = { ...defaultPayloadLimits, ...changed };
  const held = [first, second, third];
  const nameOf = (id: Uint8Array) =>
    held.find((payload) => Buffer.compare(payloadId(payload), id) === 0)?.[0];
  /** First bytes of the payloads that were read. */
  const reads: number[] = [];
  const served: { handler: RequestHandler; limits: ServeLimits }[] = [];
  servePayloads({
    transport: {
      serve: (_protocol: string, handler: RequestHandler, serveLimits: ServeLimits) =>
        void served.push({ handler, limits: serveLimits }),
    } as unknown as Transport,
    limits,
    store: {
      has: (id) => nameOf(id) !== undefined,
      get: async (id) => {
        reads.push(nameOf(id) ?? 0);
        return get === undefined ? held[nameOf(id)! - 1]! : get(nameOf(id)!);
      },
      put: async () => {},
    },
    respondPartly: (_id, size) =>
      size === 2 * SIZE ? Promise.resolve(partlyResponse(Uint8Array.of(1))) : null,
  });
  const [{ handler, limits: serveLimits }] = served as [(typeof served)[number]];
  const ask = (payload: Uint8Array, size = SIZE, id = payloadId(payload)) =>
    handler(encodeChunkRequest({ id, size, index: 0 }), 'peer');
  return { ask, reads, serveLimits };
}

describe('serving payloads', () => {
  it('takes so many requests of a peer at a time, each of the bytes that one has', () => {
    const { serveLimits } = setUp({ serveConcurrentMax: 3 });
    expect(serveLimits).toEqual({ requestBytesMax: CHUNK_REQUEST_BYTES, concurrentMax: 3 });
  });

  it('reads a payload once for requests that come together, and not at all what is not held', async () => {
    const { ask, reads } = setUp();
    const answers = await Promise.all([ask(first), ask(first), ask(second)]);
    expect(answers).toEqual([first, first, second].map((payload) => chunkResponder(payload)(0)));
    expect(await ask(first, SIZE, new Uint8Array(32))).toEqual(nothing);
    expect(reads).toEqual([1, 2]);
  });

  it('reads one payload after another, however many are asked for at once', async () => {
    const gates: (() => void)[] = [];
    const { ask, reads } = setUp({}, async (name) => {
      await new Promise<void>((open) => gates.push(open));
      if (name === 1) throw new RangeError('disk');
      return name === 2 ? second : third;
    });
    const answers = [first, second, third].map((payload) => ask(payload).catch(() => nothing));
    for (let nth = 0; nth < 3; nth += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      expect(reads.length).toBe(nth + 1);
      gates[nth]!();
    }
    expect(await Promise.all(answers)).toEqual([
      nothing,
      chunkResponder(second)(0),
      chunkResponder(third)(0),
    ]);
  });

  it('keeps those asked for last at hand, within its bytes', async () => {
    const { ask, reads } = setUp({ servedBytesMax: 2 * SIZE });
    for (const payload of [first, second, first, third, first, third, second, third, first])
      await ask(payload);
    expect(reads).toEqual([1, 2, 3, 2, 1]);
  });

  it('keeps one at hand that is over the bound alone', async () => {
    const { ask, reads } = setUp({ servedBytesMax: SIZE - 1 });
    for (const payload of [first, first, second, second, first]) await ask(payload);
    expect(reads).toEqual([1, 2, 1]);
  });

  it('answers from what is being pulled when the store has it no more, and reads again when asked again', async () => {
    const { ask, reads } = setUp({}, async () => null);
    expect(await ask(first, 2 * SIZE)).toEqual(partlyResponse(Uint8Array.of(1)));
    expect(await ask(first)).toEqual(nothing);
    expect(reads).toEqual([1, 1]);
  });

  it('reads again after a read that failed', async () => {
    let works = false;
    const { ask } = setUp({}, async () => {
      if (!works) throw new RangeError('disk');
      return first;
    });
    await expect(ask(first)).rejects.toThrow('disk');
    works = true;
    expect(await ask(first)).toEqual(chunkResponder(first)(0));
  });

  it('holds no payload of that id and another size', async () => {
    const { ask } = setUp();
    expect(await ask(first, SIZE - 1)).toEqual(nothing);
    const request = { id: payloadId(first), size: SIZE, index: 0 };
    expect(readChunkResponse(await ask(first), request).kind).toBe('chunk');
  });
});
