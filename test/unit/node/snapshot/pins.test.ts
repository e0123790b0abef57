import { beforeEach, describe, expect, it } from 'vitest';
import { StateVersions, treeSet } from '../../../../chain/index.js';
import { bestOffer } from '../../../../node/snapshot/offers.js';
import { Pins } from '../../../../node/snapshot/pins.js';

const ERA = 8;
let now: number;
let versions: StateVersions;
let pins: Pins;

function grow(to: number, writes = 1): void {
  for (let height = versions.held.last + 1; height <= to; height += 1) {
    versions.add({ height, tree: treeSet(versions.head, 'height', Uint8Array.of(height & 255)), writes });
    pins.committed(writes);
  }
}

beforeEach(() => {
  now = 0;
  versions = new StateVersions({ height: 20, tree: null });
  pins = new Pins({ versions, eraHeights: ERA, above: 0, now: () => now });
});

describe('states kept for those who join', () => {
  it('are offered at the end of the newest era; before one has ended here, at the head', () => {
    expect(pins.offer()).toEqual([20]);
    grow(30);
    expect(pins.offer()).toEqual([23, 20]);
    grow(31);
    expect(pins.offer()).toEqual([31, 23, 20]);
  });

  it('stay while they are pulled, however far the chain goes on meanwhile', () => {
    grow(24);
    expect(pins.offer()).toEqual([23]);
    const tree = versions.at(23);
    grow(23 + 300);
    expect(versions.at(23)).toBeUndefined();
    for (; now < 60_000; now += 20_000) expect(pins.at(23)).toBe(tree);
  });

  it('go when nobody asks for them any more, when they are old, and when much was written since', () => {
    grow(24);
    pins.offer();
    grow(400);
    now = 30_001;
    expect(pins.at(23)).toBeUndefined();

    pins.offer();
    grow(800);
    for (let i = 0; i < 29; i += 1, now += 20_000) expect(pins.at(399)).toBeDefined();
    now += 20_001;
    expect(pins.at(399)).toBeUndefined();

    grow(900);
    const [newest] = pins.offer();
    grow(1_000, 1_000);
    expect(pins.at(newest!)).toBeDefined();
    grow(1_040, 1_000);
    expect(pins.at(newest!)).toBeUndefined();
  });

  it('are few at a time, and none up to the base', () => {
    for (let height = 24; height < 90; height += ERA) {
      grow(height);
      pins.offer();
    }
    expect(pins.offer()).toEqual([47, 39, 31, 23]);
    const young = new Pins({ versions, eraHeights: ERA, above: versions.held.last, now: () => now });
    expect(young.offer()).toEqual([]);
    expect(young.at(versions.held.last)).toBeUndefined();
  });

  it('cost nothing while nobody asks', () => {
    grow(24);
    grow(400);
    expect(pins.at(23)).toBeUndefined();
  });
});

describe('the offer that is taken', () => {
  const offers = (...given: (readonly [string, readonly number[]])[]) => new Map(given);
  it('is the one of most peers, then the highest; a liar alone is not followed', () => {
    const some = offers(['a', [63, 31]], ['b', [31]], ['c', [31, 63]], ['liar', [1_000_000]]);
    expect(bestOffer(some, 1, new Set())).toEqual({ height: 31, peers: ['a', 'b', 'c'] });
    const all = offers(['a', [63, 31]], ['b', [31, 63]], ['liar', [1_000_000]]);
    expect(bestOffer(all, 1, new Set())).toEqual({ height: 63, peers: ['a', 'b'] });
  });

  it('is none below what is wanted, and of those whose offer failed only if nobody else has one', () => {
    const several = offers(['a', [31]], ['b', [31]], ['c', [63]]);
    expect(bestOffer(several, 64, new Set())).toBeNull();
    expect(bestOffer(several, 1, new Set(['a', 'b']))).toEqual({ height: 63, peers: ['c'] });
    expect(bestOffer(several, 1, new Set(['a', 'b', 'c']))).toEqual({ height: 31, peers: ['a', 'b'] });
    expect(bestOffer(several, 40, new Set(['c']))).toEqual({ height: 63, peers: ['c'] });
  });
});
