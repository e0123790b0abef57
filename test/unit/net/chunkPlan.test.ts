import { describe, expect, it } from 'vitest';
import { type ChunkAsk, ChunkPlan } from '../../../net/chunkPlan.js';
import { defaultPayloadLimits, type PayloadLimits } from '../../../net/limits.js';
import { PeerPaces } from '../../../net/peerPace.js';

const limits: PayloadLimits = { ...defaultPayloadLimits, chunksPerPeer: 2 };

function setUp(count: number, ...peers: string[]) {
  const paces = new PeerPaces(limits);
  const plan = new ChunkPlan({ count, limits, paces, random: () => 0 });
  for (const peer of peers) plan.add(peer);
  const told = (asks: readonly ChunkAsk[]) => asks.map(({ peer, index }) => `${peer}${index}`).join(' ');
  return {
    plan,
    paces,
    next: (now: number) => told(plan.next(now)),
    deliver: (ask: string, tookMs = 10) => {
      plan.delivered({ peer: ask[0]!, index: Number(ask.slice(1)) });
      paces.heard(ask[0]!);
      paces.end(ask[0]!, tookMs);
    },
    lack: (ask: string, has: Uint8Array | null, now: number) => {
      plan.lacked({ peer: ask[0]!, index: Number(ask.slice(1)) }, has, now);
      paces.heard(ask[0]!);
      paces.end(ask[0]!, null);
    },
    fail: (ask: string) => {
      plan.failed({ peer: ask[0]!, index: Number(ask.slice(1)) });
      paces.end(ask[0]!, null);
    },
  };
}

describe('a chunk plan', () => {
  it('asks each peer for one chunk, then fills the windows of those that deliver', () => {
    const { next, deliver, plan } = setUp(6, 'a', 'b');
    expect(next(0)).toBe('a0 b1');
    expect(next(0)).toBe('');
    deliver('a0');
    expect(next(0)).toBe('a2 a3');
    deliver('b1');
    expect(next(0)).toBe('b4 b5');
    for (const ask of ['a2', 'a3', 'b4', 'b5']) deliver(ask);
    expect(plan.whole).toBe(true);
    expect(next(0)).toBe('');
  });

  it('asks for no chunk that is held', () => {
    const { next, plan } = setUp(4, 'a', 'b');
    plan.hold(0);
    plan.hold(2);
    expect(next(0)).toBe('a1 b3');
  });

  it('shares the window of a peer with the plans of other payloads', () => {
    const { next, paces } = setUp(4, 'a');
    paces.begin('a');
    paces.begin('a');
    expect(next(0)).toBe('');
    paces.end('a', null);
    expect(next(0)).toBe('a0');
  });

  it('asks a second peer when the first lets a chunk wait, and a third when both do', () => {
    const { next, plan } = setUp(1, 'a', 'b', 'c');
    expect(next(0)).toBe('a0');
    expect(plan.wakeAt(0)).toBe(limits.lateMinMs);
    // Nothing is known of b either: it is tried at the end rather than left idle.
    expect(next(limits.lateMinMs - 1)).toBe('');
    expect(next(limits.lateMinMs)).toBe('b0');
    expect(next(limits.lateMinMs + limits.lateStartMs - 1)).toBe('');
    expect(next(limits.lateMinMs + limits.lateStartMs)).toBe('c0');
  });

  it('asks a peer known to be quick sooner for what another holds up at the end, and no sooner than twice its time', () => {
    const { next, deliver } = setUp(3, 'a', 'b');
    expect(next(0)).toBe('a0 b1');
    deliver('b1', 100);
    expect(next(100)).toBe('b2');
    deliver('b2', 100);
    expect(next(199)).toBe('');
    expect(next(200)).toBe('b0');
  });

  it('takes what comes first and forgets the other request', () => {
    const { next, deliver, plan } = setUp(1, 'a', 'b');
    next(0);
    next(limits.lateMinMs);
    deliver('b0');
    expect(plan.whole).toBe(true);
    deliver('a0');
    expect(() => deliver('a0')).toThrow(RangeError);
  });

  it('names who is late by its own measure, and gives it one request at a time from then on', () => {
    const { next, plan, paces, deliver } = setUp(9, 'a');
    next(0);
    expect(plan.late(limits.lateStartMs - 1)).toEqual([]);
    expect(plan.late(limits.lateStartMs)).toEqual(['a']);
    expect([paces.markLate('a'), paces.markLate('a')]).toEqual([true, false]);
    expect(next(1_000)).toBe('');
    // A slow one that delivers is given the time that it takes.
    deliver('a0', 3_000);
    expect(next(3_000)).toBe('a1 a2');
    expect(plan.late(8_999)).toEqual([]);
    expect(plan.late(3_000 + 9_000)).toEqual(['a']);
  });

  it('asks of another after 1.5 s at the latest, however slow the first is known to be', () => {
    const { next, deliver, plan } = setUp(2, 'a');
    expect(next(0)).toBe('a0');
    deliver('a0', 5_000);
    expect(next(5_000)).toBe('a1');
    plan.add('b');
    plan.add('c');
    expect(next(5_000 + limits.lateMinMs)).toBe('b1');
    expect(next(5_000 + limits.reassignMs - 1)).toBe('');
    expect(next(5_000 + limits.reassignMs)).toBe('c1');
  });

  it('holds nothing against the peers while this process stands still', () => {
    const { next, plan } = setUp(1, 'a', 'b');
    next(0);
    plan.forgive(5_000);
    expect(plan.late(5_000 + limits.lateStartMs - 1)).toEqual([]);
    expect(next(5_000)).toBe('');
  });

  it('asks those who pull it themselves for what they have, the rarest first', () => {
    const { next, lack, deliver } = setUp(6, 'a', 'b', 'c');
    expect(next(0)).toBe('a0 b1 c2');
    lack('b1', Uint8Array.of(0b011000), 0);
    lack('c2', Uint8Array.of(0b111000), 0);
    deliver('a0');
    // Chunks 1 and 2 are with nobody but a, who has them all.
    expect(next(0)).toBe('a1 a2');
    expect(next(limits.askAgainMs)).toBe('b3 c5 b4');
  });

  it('asks one whose bitmap holds nothing new again, ever more seldom, and then no more', () => {
    const { next, lack, plan } = setUp(2, 'a', 'b');
    expect(next(0)).toBe('a0 b1');
    const times: number[] = [];
    lack('b1', Uint8Array.of(0), 0);
    for (let now = 0; now < 60_000; now += 10) {
      const asked = next(now)
        .split(' ')
        .filter((ask) => ask.startsWith('b'));
      for (const ask of asked) {
        times.push(now);
        lack(ask, Uint8Array.of(0), now);
      }
    }
    expect(times).toEqual([400, 1_200, 2_800, 4_400, 6_000, 7_600, 9_200]);
    expect(plan.exhausted).toBe(false);
  });

  it('does not believe for ever one that says it has other chunks each time', () => {
    const { next, lack, plan } = setUp(2, 'a');
    expect(next(0)).toBe('a0');
    lack('a0', Uint8Array.of(0b10), 0);
    let asked = 0;
    for (let now = 0; now < 60_000; now += 10) {
      for (const ask of next(now).split(' ').filter(Boolean)) {
        asked += 1;
        lack(ask, Uint8Array.of(asked % 2 === 0 ? 0b10 : 0b01), now);
      }
    }
    expect(asked).toBeLessThan(12);
    expect(plan.exhausted).toBe(true);
  });

  it('counts misses in a row: one that delivers between two of them is asked on', () => {
    const { next, lack, deliver } = setUp(2, 'a');
    let now = 0;
    const miss = (times: number) => {
      for (let nth = 0; nth < times; nth += 1, now += limits.askAgainMaxMs) lack(next(now), null, now);
    };
    miss(limits.missesMax - 1);
    deliver(next(now));
    miss(limits.missesMax - 1);
    expect(next(now)).toMatch(/^a\d$/);
  });

  it('is exhausted when nothing is under way and all have failed or have nothing', () => {
    const { plan, next, lack, fail } = setUp(3, 'a', 'b');
    next(0);
    lack('a0', null, 0);
    expect(plan.exhausted).toBe(false);
    fail('b1');
    expect(plan.exhausted).toBe(true);
    plan.add('c');
    expect(plan.exhausted).toBe(false);
  });

  it('asks so many peers and no more', () => {
    const paces = new PeerPaces(limits);
    const plan = new ChunkPlan({ count: 9, limits: { ...limits, candidatesMax: 2 }, paces, random: () => 0 });
    for (const peer of ['a', 'a', 'b', 'c']) plan.add(peer);
    expect(plan.sources).toBe(2);
  });
});

describe('the paces of the peers', () => {
  it('fill a window that was full again when half of it is answered; a late one has one request at a time', () => {
    const paces = new PeerPaces({ ...limits, chunksPerPeer: 4 });
    const rooms: boolean[] = [];
    const look = (step: () => void) => {
      step();
      rooms.push(paces.hasRoom('a'));
    };
    for (let nth = 0; nth < 4; nth += 1) look(() => paces.begin('a'));
    for (let nth = 0; nth < 4; nth += 1) look(() => paces.end('a', null));
    expect(rooms).toEqual([true, true, true, false, false, true, true, true]);
    expect(paces.markLate('a')).toBe(true);
    rooms.length = 0;
    look(() => paces.begin('a'));
    look(() => paces.end('a', null));
    look(() => paces.heard('a'));
    look(() => paces.begin('a'));
    expect(rooms).toEqual([false, true, true, true]);
  });

  it('give one that has always answered at once half a second, and the others no less than 50 ms', () => {
    const paces = new PeerPaces(limits);
    for (let nth = 0; nth < 30; nth += 1) {
      paces.begin('a');
      paces.end('a', 1);
    }
    expect(paces.lateAfter('a')).toBe(limits.lateMinMs);
    expect(paces.hedgeAfter('a')).toBe(limits.hedgeMinMs);
  });

  it('forget who has nothing under way before who has, beyond their bound', () => {
    const paces = new PeerPaces(limits);
    paces.begin('busy');
    for (let nth = 0; nth < 2_000; nth += 1) {
      paces.begin(`peer ${nth}`);
      paces.end(`peer ${nth}`, 5_000);
    }
    paces.end('busy', null);
    expect(() => paces.end('busy', null)).toThrow(RangeError);
    expect(paces.lateAfter('peer 1999')).toBe(limits.chunkTimeoutMs);
    expect(paces.lateAfter('peer 0')).toBe(limits.lateStartMs);
  });
});
