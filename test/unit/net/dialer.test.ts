import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Dialer } from '../../../net/dialer.js';
import { defaultNetLimits } from '../../../net/limits.js';

const limits = { ...defaultNetLimits, redialMinMs: 100, redialMaxMs: 1_000 };

/** Times, in ms from the start, at which peers were dialled. `up` are those that answer. */
function setUp(random: number, up: Set<string> = new Set()) {
  const start = Date.now();
  const dialled: string[] = [];
  const linked = new Set<string>();
  const dialer = new Dialer({
    limits,
    random: () => random,
    hasLink: (peer) => linked.has(peer),
    dial: async (peer) => {
      dialled.push(`${peer} ${Date.now() - start}`);
      if (!up.has(peer)) throw new Error('down');
      linked.add(peer);
    },
  });
  return { dialer, dialled, linked };
}

describe('Dialer', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('doubles the wait after each failure up to the bound, scaled by the jitter', async () => {
    const { dialer, dialled } = setUp(0);
    dialer.follow('a', 40);
    await vi.advanceTimersByTimeAsync(2_000);
    // waits 100, 200, 400, 500, 500: half of 200, 400, 800, 1000, 1000
    expect(dialled).toEqual([40, 140, 340, 740, 1_240, 1_740].map((ms) => `a ${ms}`));
    dialer.stop();
    const other = setUp(0.5);
    other.dialer.follow('a', 0);
    await vi.advanceTimersByTimeAsync(1_500);
    expect(other.dialled).toEqual([0, 150, 450, 1_050].map((ms) => `a ${ms}`));
  });

  it('leaves a connected peer alone, and dials again when it is lost', async () => {
    const { dialer, dialled, linked } = setUp(0, new Set(['a']));
    dialer.follow('a', 0);
    await vi.advanceTimersByTimeAsync(5_000);
    dialer.connected('a');
    expect(dialled).toEqual(['a 0']);
    linked.delete('a');
    dialer.lost('a');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(dialled).toEqual(['a 0', 'a 5050']);
  });

  it('waits longer for a peer that answers and hangs up each time', async () => {
    const { dialer, dialled, linked } = setUp(0, new Set(['a']));
    dialer.follow('a', 0);
    for (let nth = 0; nth < 4; nth += 1) {
      await vi.advanceTimersToNextTimerAsync();
      linked.delete('a');
      dialer.lost('a');
    }
    expect(dialled).toEqual(['a 0', 'a 100', 'a 300', 'a 700']);
  });

  it('does not dial a peer whose link the other side opened', async () => {
    const { dialer, dialled, linked } = setUp(0, new Set(['a']));
    dialer.follow('a', 400);
    linked.add('a');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(dialled).toEqual([]);
  });

  it('holds off for as long as it is told', async () => {
    const { dialer, dialled, linked } = setUp(0, new Set(['a']));
    dialer.follow('a', 0);
    await vi.advanceTimersByTimeAsync(0);
    linked.delete('a');
    dialer.lost('a', 60_000);
    await vi.advanceTimersByTimeAsync(59_999);
    expect(dialled).toEqual(['a 0']);
    await vi.advanceTimersByTimeAsync(1);
    expect(dialled).toEqual(['a 0', 'a 60000']);
  });

  it('does not begin anew with a peer it follows, and forgets one it is told to', async () => {
    const { dialer, dialled } = setUp(0);
    dialer.follow('a', 1_000);
    dialer.follow('a', 0);
    await vi.advanceTimersByTimeAsync(500);
    expect(dialled).toEqual([]);
    dialer.forget('a');
    dialer.lost('a');
    await vi.advanceTimersByTimeAsync(5_000);
    expect([dialled, vi.getTimerCount()]).toEqual([[], 0]);
  });

  it('leaves no timer behind when stopped, not even by a dial under way', async () => {
    let fail!: (error: Error) => void;
    const dialer = new Dialer({
      limits,
      hasLink: () => false,
      dial: () => new Promise((_, reject) => (fail = reject)),
    });
    dialer.follow('a', 0);
    dialer.follow('b', 1_000);
    await vi.advanceTimersByTimeAsync(0);
    dialer.stop();
    fail(new Error('down'));
    await vi.advanceTimersByTimeAsync(0);
    dialer.follow('c', 0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
