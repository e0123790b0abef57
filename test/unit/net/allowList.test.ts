import { describe, expect, it } from 'vitest';
import { AllowList } from '../../../net/allowList.js';
import { defaultNetLimits } from '../../../net/limits.js';

const [self, a, b] = ['0', 'a', 'b'].map((digit) => digit.repeat(64)) as [string, string, string];
const limits = {
  ...defaultNetLimits,
  penaltyPointsMax: 100,
  penaltyDecayPerSecond: 2,
  banMs: 1_000,
  peersMax: 2,
};

function setUp() {
  let now = 5_000;
  const list = new AllowList(self, limits, () => now);
  list.replace([
    { key: a, addresses: ['x'] },
    { key: b, addresses: [] },
  ]);
  return { list, wait: (ms: number) => (now += ms) };
}

describe('AllowList', () => {
  it('admits those listed, and never the own key', () => {
    const { list } = setUp();
    expect([a, b, self, 'c'.repeat(64)].map((key) => list.admits(key))).toEqual([true, true, false, false]);
    expect(list.replace([{ key: self, addresses: [] }])).toEqual([a, b]);
    expect([list.admits(self), list.keys()]).toEqual([false, []]);
  });

  it('says who left', () => {
    const { list } = setUp();
    expect(list.replace([{ key: b, addresses: ['y'] }])).toEqual([a]);
    expect([list.admits(a), list.admits(b), list.addresses(a), list.addresses(b)]).toEqual([
      false,
      true,
      [],
      ['y'],
    ]);
  });

  it('adds points up, forgives them with time, and shuts out at the bound', () => {
    const { list, wait } = setUp();
    expect(list.penalize(a, 60)).toBe(false);
    wait(10_000);
    expect(list.penalize(a, 59)).toBe(false); // 60 - 20 + 59 = 99
    wait(500); // 98
    expect(list.penalize(a, 1)).toBe(false); // 99
    expect(list.admits(a)).toBe(true);
    expect(list.penalize(a, 1)).toBe(true); // 100
    expect([list.admits(a), list.admits(b), list.banLeftMs(a)]).toEqual([false, true, 1_000]);
  });

  it('does not forgive below zero', () => {
    const { list, wait } = setUp();
    list.penalize(a, 1);
    wait(1_000_000);
    expect(list.penalize(a, 100)).toBe(true);
  });

  it('lets a peer back in, with a clean slate, when its time is over', () => {
    const { list, wait } = setUp();
    list.penalize(a, 100);
    wait(999);
    expect([list.admits(a), list.penalize(a, 1_000)]).toEqual([false, false]);
    wait(1);
    expect([list.admits(a), list.penalize(a, 99)]).toEqual([true, false]);
  });

  it('keeps standing over a new list, and forgets it with the peer', () => {
    const { list } = setUp();
    list.penalize(a, 100);
    list.replace([{ key: a, addresses: [] }]);
    expect(list.admits(a)).toBe(false);
    list.replace([]);
    list.replace([{ key: a, addresses: [] }]);
    expect(list.admits(a)).toBe(true);
  });

  it('gives no standing to keys off the list', () => {
    const { list } = setUp();
    expect(list.penalize('c'.repeat(64), 1_000)).toBe(false);
  });
});
