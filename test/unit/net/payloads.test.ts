import { describe, expect, it } from 'vitest';
import { payloadId } from '../../../chain/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import {
  chunkResponder,
  decodeChunkRequest,
  encodeChunkRequest,
  partlyResponse,
} from '../../../net/chunk.js';
import {
  createPayloadExchange,
  memoryPartials,
  NetError,
  type PartialPayload,
  type PayloadLimits,
  type RequestHandler,
  type Transport,
} from '../../../net/index.js';

/** Fetches beside each other, and their ends: requests are answered by hand. */

const SIZE = 1_000;
const payloadOf = (byte: number, size = SIZE) => new Uint8Array(size).fill(byte);

interface Asked {
  readonly id: string;
  readonly size: number;
  readonly index: number;
  readonly resolve: (response: Uint8Array) => void;
}

/** What was answered or given up has been taken in, and what that leaves room for was asked. */
async function settled(): Promise<void> {
  for (let nth = 0; nth < 3; nth += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

function setUp(limits: Partial<PayloadLimits>, partial: Partial<PartialPayload> = {}) {
  const asked: Asked[] = [];
  const stored: number[] = [];
  let serve!: RequestHandler;
  const transport: Pick<Transport, 'self' | 'request' | 'serve' | 'penalize'> = {
    self: 'self',
    request: (_peer, _protocol, bytes) =>
      new Promise((resolve) => {
        const { id, size, index } = decodeChunkRequest(bytes);
        asked.push({ id: bytesToHex(id), size, index, resolve });
      }),
    serve: (_protocol, handler) => {
      serve = handler;
    },
    penalize: () => {},
  };
  const partials = memoryPartials();
  let looks = 0;
  const exchange = createPayloadExchange({
    transport: transport as Transport,
    partials: { open: async (id, size) => ({ ...(await partials.open(id, size)), ...partial }) },
    store: { has: () => false, get: () => null, put: async (_id, bytes) => void stored.push(bytes[0]!) },
    limits,
    clock: {
      now: () => 0,
      // Set anew each time that a fetch looks what to ask for.
      after: () => {
        looks += 1;
        return () => {};
      },
    },
    random: () => 0,
  });
  /** Begins to fetch; `end` tells how it ended. */
  const fetch = (payload: Uint8Array, size = payload.length, id = payloadId(payload)) => {
    const giveUp = new AbortController();
    let end = 'none';
    exchange.fetch(id, size, ['a'], giveUp.signal).then(
      () => {
        end = 'stored';
      },
      (error) => {
        end = error instanceof NetError ? error.code : String(error);
      },
    );
    return { end: () => end, giveUp: () => giveUp.abort() };
  };
  const askedFor = (payload: Uint8Array) => asked.filter(({ id }) => id === bytesToHex(payloadId(payload)));
  const answer = async (payload: Uint8Array) => {
    for (const { index, resolve } of askedFor(payload)) resolve(chunkResponder(payload)(index));
    await settled();
  };
  return { exchange, serve, fetch, asked, askedFor, answer, stored, looks: () => looks };
}

/** A promise that the test resolves. */
function gate() {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe('fetches of payloads', () => {
  const [first, second, third] = [1, 2, 3].map((byte) => payloadOf(byte)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ];

  it('keep their bound of bytes when one that waits is given up', async () => {
    const { fetch, askedFor, answer, stored } = setUp({ inFlightBytesMax: SIZE });
    fetch(first);
    const waiting = fetch(second);
    await settled();
    waiting.giveUp();
    fetch(third);
    await settled();
    expect(waiting.end()).toBe('aborted');
    expect([first, second, third].map((payload) => askedFor(payload).length)).toEqual([1, 0, 0]);
    await answer(first);
    expect(askedFor(second)).toEqual([]);
    await answer(third);
    expect(stored).toEqual([1, 3]);
  });

  it('that are given up make room for those that wait, the first of them first', async () => {
    const { fetch, askedFor } = setUp({ runningMax: 1 });
    const running = fetch(first);
    fetch(second);
    fetch(third);
    await settled();
    running.giveUp();
    await settled();
    expect(running.end()).toBe('aborted');
    expect([first, second, third].map((payload) => askedFor(payload).length)).toEqual([1, 1, 0]);
  });

  it('that begin anew are known until they end, whenever the one before them does', async () => {
    const { open, opened } = gate();
    let closings = 0;
    const close = () => {
      closings += 1;
      return closings === 1 ? opened : Promise.resolve();
    };
    const { exchange, fetch, askedFor } = setUp({}, { close });
    const before = fetch(first);
    await settled();
    before.giveUp();
    await settled();
    expect(before.end()).toBe('aborted');
    const anew = fetch(first);
    open();
    await settled();
    // Not a third one: the same.
    const same = fetch(first);
    await settled();
    expect(askedFor(first).length).toBe(2);
    void exchange.close();
    await settled();
    expect([anew.end(), same.end()]).toEqual(['aborted', 'aborted']);
  });

  it('are closed when their chunks are put away', async () => {
    const { open, opened } = gate();
    const { exchange, fetch } = setUp({}, { close: () => opened });
    fetch(first);
    await settled();
    let isClosed = false;
    void exchange.close().then(() => {
      isClosed = true;
    });
    await settled();
    expect(isClosed).toBe(false);
    open();
    await settled();
    expect(isClosed).toBe(true);
  });

  it('fill a peer’s window in the order in which they began', async () => {
    const large = [4, 5].map((byte) => payloadOf(byte, 3 * 65_536)) as [Uint8Array, Uint8Array];
    const { fetch, asked, stored } = setUp({ chunksPerPeer: 1 });
    for (const payload of large) fetch(payload);
    await settled();
    for (let nth = 0; nth < 6; nth += 1) {
      expect(asked.length).toBe(nth + 1);
      const payload = large[nth < 3 ? 0 : 1]!;
      expect(asked[nth]!.id).toBe(bytesToHex(payloadId(payload)));
      asked[nth]!.resolve(chunkResponder(payload)(asked[nth]!.index));
      await settled();
    }
    expect(stored).toEqual([4, 5]);
  });

  it('look once what to ask for after all answers of one turn', async () => {
    const large = payloadOf(6, 20 * 65_536);
    const { fetch, asked, answer, looks } = setUp({ chunksPerPeer: 8 });
    fetch(large);
    await settled();
    await answer(large);
    expect(asked.length).toBe(1 + 8);
    const before = looks();
    await answer(large);
    expect([asked.length, looks() - before]).toEqual([1 + 8 + 8, 1]);
  });

  it('go by id and size: one of a made-up size is in nobody’s way', async () => {
    const { fetch, serve, asked, stored } = setUp({});
    const made = fetch(first, SIZE + 1);
    const meant = fetch(first);
    await settled();
    expect(asked.map(({ size }) => size)).toEqual([SIZE + 1, SIZE]);
    asked[0]!.resolve(new Uint8Array(0));
    asked[1]!.resolve(chunkResponder(first)(0));
    await settled();
    expect([made.end(), meant.end(), stored]).toEqual(['unavailable', 'stored', [1]]);
    // A bitmap as long as another size has would be held against this node.
    fetch(second);
    await settled();
    const answers = [SIZE, SIZE + 1].map((size) =>
      serve(encodeChunkRequest({ id: payloadId(second), size, index: 0 }), 'b'),
    );
    expect(await Promise.all(answers)).toEqual([partlyResponse(Uint8Array.of(0)), new Uint8Array(0)]);
  });

  it('go by the id that was asked for, whatever becomes of the caller’s bytes', async () => {
    const { fetch, asked } = setUp({});
    const id = payloadId(first);
    fetch(first, SIZE, id);
    id.fill(0);
    await settled();
    expect(asked[0]!.id).toBe(bytesToHex(payloadId(first)));
  });
});
