import { describe, expect, it } from 'vitest';
import { AllowList } from '../../../net/allowList.js';
import { GossipInbox, NONCE_BYTES } from '../../../net/gossipInbox.js';
import { defaultNetLimits } from '../../../net/index.js';
import { RateLimit } from '../../../net/rateLimit.js';

const [self, a, b] = ['0', 'a', 'b'].map((digit) => digit.repeat(64)) as [string, string, string];

describe('token buckets', () => {
  function limitOf(peersMax = 8) {
    const clock = { ms: 1_000 };
    const limit = new RateLimit({
      messages: { perSecond: 10, burst: 3 },
      bytes: { perSecond: 100, burst: 50 },
      peersMax,
      now: () => clock.ms,
    });
    return { limit, clock };
  }

  it('hold a burst of messages and fill again by the clock, never above the burst', () => {
    const { limit, clock } = limitOf();
    const takes = (count: number) => Array.from({ length: count }, () => limit.take(a, 0));
    expect(takes(4)).toEqual([true, true, true, false]);
    clock.ms += 99;
    expect(takes(1)).toEqual([false]);
    clock.ms += 1;
    expect(takes(2)).toEqual([true, false]);
    clock.ms += 60_000;
    expect(takes(4)).toEqual([true, true, true, false]);
  });

  it('hold a burst of bytes; what does not fit takes nothing', () => {
    const { limit, clock } = limitOf();
    expect([limit.take(a, 51), limit.take(a, 50), limit.take(a, 1)]).toEqual([false, true, false]);
    clock.ms += 10;
    expect([limit.take(a, 2), limit.take(a, 1)]).toEqual([false, true]);
  });

  it('are one a peer, and bounded in number', () => {
    const { limit } = limitOf(2);
    for (let i = 0; i < 3; i += 1) limit.take(a, 0);
    expect([limit.take(a, 0), limit.take(b, 0)]).toEqual([false, true]);
    // A third peer: all begin afresh, rather than a list that grows.
    expect([limit.take(self, 0), limit.take(a, 0)]).toEqual([true, true]);
  });

  it('do not run backwards with a clock', () => {
    const { limit, clock } = limitOf();
    for (let i = 0; i < 3; i += 1) limit.take(a, 0);
    clock.ms -= 10_000;
    expect(limit.take(a, 0)).toBe(false);
  });
});

describe('gossip above the rate', () => {
  it('is not handled, counted, and blamed once a second; the rate of another topic or peer is its own', async () => {
    const clock = { ms: 0 };
    const limits = { ...defaultNetLimits, inboundMessagesPerSecond: 10, inboundMessagesBurst: 5 };
    const allowList = new AllowList(self, limits, () => clock.ms);
    allowList.replace([a, b].map((key) => ({ key, addresses: [] })));
    const blamed: [string, number, string][] = [];
    const inbox = new GossipInbox({
      allowList,
      limits,
      penalize: (peer, points, reason) => void blamed.push([peer, points, reason]),
      onError: (error) => {
        throw error;
      },
      now: () => clock.ms,
    });
    let heard = 0;
    for (const topic of ['consensus', 'transactions'] as const) {
      inbox.on(topic, () => {
        heard += 1;
        return 'accept';
      });
    }
    const send = (from: string, topic: 'consensus' | 'transactions' = 'consensus') =>
      inbox.deliver(topic, new Uint8Array(NONCE_BYTES + 1), from);
    for (let i = 0; i < 105; i += 1) await send(a);
    expect([heard, inbox.refused().rate, blamed]).toEqual([
      5,
      100,
      [[a, limits.ratePoints, 'too much gossip on consensus']],
    ]);
    expect(await send(a, 'transactions')).toBe('accept');
    expect(await send(b)).toBe('accept');
    clock.ms += 1_000;
    for (let i = 0; i < 20; i += 1) await send(a);
    expect([heard, blamed.length]).toEqual([5 + 2 + 5, 2]);
  });

  it('ends in a ban when it goes on', async () => {
    const clock = { ms: 0 };
    const limits = { ...defaultNetLimits, inboundMessagesPerSecond: 10, inboundMessagesBurst: 5 };
    const allowList = new AllowList(self, limits, () => clock.ms);
    allowList.replace([{ key: a, addresses: [] }]);
    const inbox = new GossipInbox({
      allowList,
      limits,
      penalize: (peer, points) => void allowList.penalize(peer, points),
      onError: (error) => {
        throw error;
      },
      now: () => clock.ms,
    });
    inbox.on('consensus', () => 'accept');
    for (; clock.ms < 60_000 && allowList.admits(a); clock.ms += 10) {
      await inbox.deliver('consensus', new Uint8Array(NONCE_BYTES), a);
    }
    expect(allowList.admits(a)).toBe(false);
  });
});
