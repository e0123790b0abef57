import { describe, expect, it } from 'vitest';
import { PAYLOAD_CHUNK_BYTES, payloadId } from '../../../chain/index.js';
import {
  CHUNK_RESPONSE_BYTES_MAX,
  chunkResponder,
  decodeChunkRequest,
  readChunkResponse,
} from '../../../net/chunk.js';
import {
  defaultPayloadLimits,
  NetError,
  type PartialPayload,
  type PayloadLimits,
  partialIn,
  type RequestOptions,
  type Transport,
} from '../../../net/index.js';
import { PayloadFetch } from '../../../net/payloadFetch.js';
import { PeerPaces } from '../../../net/peerPace.js';

/** One fetch with nothing around it: its requests, writes and timers are answered by hand. */

const COUNT = 4;
const payload = Uint8Array.from(
  { length: COUNT * PAYLOAD_CHUNK_BYTES - 5 },
  (_, at) => (at * 7 + (at >> 16)) % 256,
);
const id = payloadId(payload);
const respond = chunkResponder(payload);

interface Asked {
  readonly peer: string;
  readonly index: number;
  readonly options: RequestOptions;
  readonly resolve: (response: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

/** What was answered has been taken in. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Timers fire when the test says so: too early and too late as well. */
function handClock() {
  const timers = new Map<() => void, number>();
  let time = 0;
  return {
    now: () => time,
    after: (ms: number, fire: () => void) => {
      timers.set(fire, time + ms);
      return () => void timers.delete(fire);
    },
    dues: () => [...timers.values()],
    /** Fires the only timer, whenever it was due. */
    fireAt(now: number) {
      time = now;
      const [fire] = timers.keys();
      timers.delete(fire!);
      fire!();
    },
    /** Fires what is due by then, each when it is. */
    pass(to: number) {
      for (let [due] = timers.values(); due !== undefined && due <= to; [due] = timers.values())
        this.fireAt(due);
      time = to;
    },
  };
}

interface Setting {
  readonly limits?: Partial<PayloadLimits>;
  /** Of the memory's, but for these. */
  readonly partial?: Partial<PartialPayload>;
  readonly opening?: Promise<void>;
}

function setUp(peers: readonly string[], { limits: changed, partial, opening }: Setting = {}) {
  const limits = { ...defaultPayloadLimits, ...changed };
  const clock = handClock();
  const paces = new PeerPaces(limits);
  const asked: Asked[] = [];
  const penalties: string[] = [];
  const calls: string[] = [];
  const transport: Pick<Transport, 'self' | 'request' | 'penalize'> = {
    self: 'self',
    request: (peer, _protocol, bytes, options = {}) =>
      new Promise((resolve, reject) => {
        asked.push({ peer, index: decodeChunkRequest(bytes).index, options, resolve, reject });
      }),
    penalize: (peer, points) => void penalties.push(`${peer} ${points}`),
  };
  const slots = partialIn(new Map(), false, () => calls.push('close'));
  const fetch: PayloadFetch = new PayloadFetch(id, payload.length, {
    transport: transport as Transport,
    limits,
    paces,
    clock,
    random: () => 0,
    partials: {
      open: async () => {
        await opening;
        return { ...slots, remove: async () => void calls.push('remove'), ...partial };
      },
    },
    onRoom: () => fetch.pump(),
  });
  fetch.addCandidates(peers);
  let end = 'none';
  fetch.run().then(
    () => {
      end = 'whole';
    },
    (error) => {
      end = error instanceof NetError ? error.code : String(error);
    },
  );
  return {
    fetch,
    clock,
    paces,
    asked,
    penalties,
    calls,
    end: () => end,
    /** As an honest peer does; settles what it leads to. */
    answer: async (...nths: readonly number[]) => {
      for (const nth of nths) asked[nth]!.resolve(respond(asked[nth]!.index));
      await settled();
    },
    who: () => asked.map(({ peer, index }) => `${peer}${index}`).join(' '),
  };
}

/** What a peer that pulls the payload too hears: the chunk, or the bits of those that are there. */
async function passedOn(fetch: PayloadFetch, index: number): Promise<string> {
  const finding = readChunkResponse(await fetch.respond(index), { id, size: payload.length, index });
  if (finding.kind === 'chunk') return 'the chunk';
  return finding.kind === 'wrong' ? 'wrong' : `has ${finding.has?.[0]?.toString(2)}`;
}

/** A partial payload whose writes the test ends. */
function slowDisk() {
  const writes: { readonly index: number; readonly done: () => void }[] = [];
  const write = (index: number) => new Promise<void>((done) => writes.push({ index, done }));
  return { writes, write };
}

describe('a fetch of one payload', () => {
  it('waits for a chunk as long as a chunk may take, and for no more bytes than one has', async () => {
    const { asked } = setUp(['a'], { limits: { chunkTimeoutMs: 7_000 } });
    await settled();
    expect(asked[0]!.options).toEqual({ timeoutMs: 7_000, responseBytesMax: CHUNK_RESPONSE_BYTES_MAX });
  });

  it('takes standing of a late peer once, and again when it has answered since', async () => {
    const { clock, fetch, answer, penalties, who } = setUp(['a']);
    await settled();
    await answer(0);
    expect(who()).toBe('a0 a1 a2 a3');
    clock.pass(499);
    expect(penalties).toEqual([]);
    clock.pass(500);
    expect(penalties).toEqual(['a 5']);
    clock.pass(3_000);
    fetch.pump();
    expect(penalties).toEqual(['a 5']);
    await answer(1);
    clock.pass(20_000);
    expect(penalties).toEqual(['a 5', 'a 5']);
  });

  it('holds nothing against a peer when a timer says that the process stood still', async () => {
    const { clock, penalties } = setUp(['a'], { limits: { chunksPerPeer: 1 } });
    await settled();
    expect(clock.dues()).toEqual([1_000]);
    clock.fireAt(1_101);
    expect(penalties).toEqual([]);
    // It has all of its time from then on; and again, after standing still again.
    expect(clock.dues()).toEqual([2_101]);
    clock.fireAt(2_202);
    expect([clock.dues(), penalties]).toEqual([[3_202], []]);
    // A timer that is 100 ms late says nothing.
    clock.fireAt(3_302);
    expect(penalties).toEqual(['a 5']);
  });

  it('has one timer at most, sets it again when it fires early, and none when it is over', async () => {
    const { clock, answer, penalties } = setUp(['a'], { limits: { chunksPerPeer: 1 } });
    await settled();
    clock.fireAt(999.5);
    expect(clock.dues()).toEqual([1_000]);
    clock.fireAt(1_000);
    expect(penalties).toEqual(['a 5']);
    for (let nth = 0; nth < COUNT; nth += 1) {
      expect(clock.dues().length).toBeLessThan(2);
      await answer(nth);
    }
    expect(clock.dues()).toEqual([]);
  });

  it('is over when its last chunk is written, and passes on what was written alone', async () => {
    const { writes, write } = slowDisk();
    const { fetch, answer, end } = setUp(['a'], { partial: { write, read: async () => respond(0) } });
    await settled();
    expect(await passedOn(fetch, 0)).toBe('has 0');
    await answer(0);
    expect(await passedOn(fetch, 0)).toBe('has 0');
    writes[0]!.done();
    await settled();
    expect(await passedOn(fetch, 0)).toBe('the chunk');
    expect(await passedOn(fetch, 1)).toBe('has 1');
    await answer(1, 2, 3);
    for (const { done } of writes.slice(1)) {
      expect(end()).toBe('none');
      done();
      await settled();
    }
    expect(end()).toBe('whole');
    await fetch.close();
    expect(await passedOn(fetch, 0)).toBe('has 1111');
  });

  it('asks for no more while its disk is slow, and does not count that time as the peer’s', async () => {
    const { writes, write } = slowDisk();
    const { clock, paces, answer, who } = setUp(['a'], { limits: { chunksPerPeer: 1 }, partial: { write } });
    await settled();
    await answer(0);
    expect(who()).toBe('a0');
    clock.pass(5_000);
    writes[0]!.done();
    await settled();
    expect(who()).toBe('a0 a1');
    expect(paces.lateAfter('a')).toBe(defaultPayloadLimits.lateMinMs);
  });

  it('writes a chunk once that comes from two, and none when it is over', async () => {
    const written: number[] = [];
    const write = async (index: number) => void written.push(index);
    const { clock, fetch, answer, who, end } = setUp(['a', 'b'], { partial: { write } });
    await settled();
    expect(who()).toBe('a0 b1');
    await answer(1);
    expect(who()).toBe('a0 b1 b2 b3');
    clock.pass(100);
    await answer(2);
    expect(who()).toBe('a0 b1 b2 b3 b0');
    await answer(4);
    await answer(0);
    expect(written).toEqual([1, 2, 0]);
    fetch.cancel();
    await settled();
    expect(end()).toBe('aborted');
    await answer(3);
    expect(written).toEqual([1, 2, 0]);
  });

  for (const [code, points, askedOn] of [
    ['refused', [], true],
    ['queue-full', [], true],
    ['timeout', ['a 5'], false],
    ['unreachable', [], false],
    ['closed', [], false],
  ] as const) {
    it(`asks one whose request failed with "${code}" ${askedOn ? 'again' : 'no more'}`, async () => {
      const { clock, asked, penalties, who } = setUp(['a', 'b']);
      await settled();
      expect(who()).toBe('a0 b1');
      asked[0]!.reject(new NetError(code, 'by the test'));
      await settled();
      expect(penalties).toEqual(points);
      clock.pass(450);
      expect(asked.some(({ peer }, nth) => nth > 0 && peer === 'a')).toBe(askedOn);
    });
  }

  it('ends with what the disk throws', async () => {
    const write = () => Promise.reject(new RangeError('disk full'));
    const { answer, end } = setUp(['a'], { partial: { write } });
    await settled();
    await answer(0);
    expect(end()).toBe('RangeError: disk full');
  });

  for (const begun of [true, false]) {
    it(`${begun ? 'goes on with, and passes on,' : 'does not look for'} what an earlier one has left`, async () => {
      const reads: number[] = [];
      const read = async (index: number) => {
        reads.push(index);
        return index === 0 ? respond(0) : new Uint8Array(index);
      };
      const { fetch, who } = setUp(['a'], { partial: { begun, read } });
      await settled();
      expect([who(), reads]).toEqual(begun ? ['a1', [0, 1, 2, 3]] : ['a0', []]);
      expect(await passedOn(fetch, 0)).toBe(begun ? 'the chunk' : 'has 0');
    });
  }

  for (const begun of [true, false]) {
    it(`asks nobody and reads nothing when it is cancelled before it ${begun ? 'goes on' : 'begins'}`, async () => {
      const reads: number[] = [];
      const read = async (index: number) => {
        reads.push(index);
        return new Uint8Array(0);
      };
      let open!: () => void;
      const opening = new Promise<void>((resolve) => {
        open = resolve;
      });
      const { fetch, asked, end } = setUp(['a'], { opening, partial: { begun, read } });
      fetch.cancel();
      open();
      await settled();
      expect(end()).toBe('aborted');
      expect([asked, reads]).toEqual([[], []]);
    });
  }

  it('closes what it wrote once, removed or not', async () => {
    for (const calls of [['close'], ['remove']] as const) {
      const set = setUp(['a']);
      await settled();
      await set.answer(0);
      await set.answer(1, 2, 3);
      await set.fetch[calls[0]]();
      await set.fetch.close();
      await set.fetch.remove();
      expect(set.calls).toEqual(calls);
    }
  });
});
