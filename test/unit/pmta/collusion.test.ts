import { describe, expect, it } from 'vitest';
import {
  assembledShare,
  chanceOfMalicious,
  createRandom,
  expectedShare,
  printedReward,
  randomClasses,
} from '../../../pmta/index.js';
import { seed } from './graphs.js';

const classesOf = (...sizes: readonly number[]): Uint8Array =>
  Uint8Array.from(sizes.flatMap((size, at) => new Array<number>(size).fill(at + 1)));

/** So many of each class's first providers. */
function coalitionIn(sizes: readonly number[], malicious: readonly number[]): Set<number> {
  let start = 0;
  return new Set(
    sizes.flatMap((size, at) => {
      const own = Array.from({ length: malicious[at]! }, (_, index) => start + index);
      start += size;
      return own;
    }),
  );
}

describe('what a coalition assembles', () => {
  it('is the share of pieces that at least one of its members read', () => {
    const pieces = [[0, 1], [1, 2], [2, 3], [3]].map((readers) => ({ readers }));
    expect(assembledShare(pieces, new Set([1]))).toBe(0.5);
    expect(assembledShare(pieces, new Set([0, 1, 3]))).toBe(1);
    expect(assembledShare(pieces, new Set())).toBe(0);
    expect(assembledShare([], new Set([1]))).toBe(0);
  });

  it('is in expectation what the draw of readers without replacement gives', () => {
    // None of 2 readers malicious: 3/5 · 2/4.
    expect(chanceOfMalicious(5, 2, 2)).toBeCloseTo(1 - 0.3, 15);
    expect(chanceOfMalicious(5, 2, 4)).toBe(1);
    expect(chanceOfMalicious(2, 0, 9)).toBe(0);
    expect(chanceOfMalicious(0, 0, 3)).toBe(0);
    expect(() => chanceOfMalicious(2, 3, 1)).toThrow(RangeError);
    expect(() => chanceOfMalicious(2, 1, 0)).toThrow(RangeError);
  });

  it('agrees with drawn pieces', () => {
    const random = createRandom(seed('pieces'));
    const sizes = [10, 10, 10];
    const coalition = coalitionIn(sizes, [6, 2, 1]);
    const pieces = Array.from({ length: 30_000 }, (_, at) => {
      const members = Array.from({ length: 10 }, (_, index) => 10 * (at % 3) + index);
      return { readers: [0, 1, 2].map(() => members.splice(random.below(members.length), 1)[0]!) };
    });
    const expected = expectedShare(classesOf(...sizes), 3, coalition, 3, 'classes behind a gate');
    expect(Math.abs(assembledShare(pieces, coalition) - expected)).toBeLessThan(0.01);
  });

  it('is least behind the gate with the malicious together, most where the gate is a courtesy', () => {
    const sizes = [20, 20, 20];
    const [even, together] = [coalitionIn(sizes, [6, 6, 6]), coalitionIn(sizes, [18, 0, 0])];
    const share = (coalition: ReadonlySet<number>, opening: Parameters<typeof expectedShare>[4]) =>
      expectedShare(classesOf(...sizes), 3, coalition, 3, opening);
    expect(share(together, 'classes behind a gate')).toBeCloseTo(1 / 3, 12);
    expect(share(even, 'classes behind a gate')).toBeCloseTo(1 - (14 * 13 * 12) / (20 * 19 * 18), 12);
    expect(share(even, 'one pool')).toBeCloseTo(1 - (42 * 41 * 40) / (60 * 59 * 58), 12);
    expect(share(even, 'one pool')).toBe(share(together, 'one pool'));
    // 14 honest beside all 18.
    expect(share(even, 'classes without a gate')).toBeCloseTo(1 - (14 * 13 * 12) / (32 * 31 * 30), 12);
    expect(share(together, 'classes without a gate')).toBeGreaterThan(
      share(together, 'classes behind a gate'),
    );
  });

  it('refuses a class that is none', () => {
    expect(() => expectedShare([1, 4], 3, new Set(), 1, 'classes behind a gate')).toThrow(RangeError);
    expect(() => expectedShare([0, 1], 3, new Set(), 1, 'classes behind a gate')).toThrow(RangeError);
  });
});

describe('equation 8 as printed', () => {
  const rewardOf = (sizes: readonly number[], malicious: readonly number[]) =>
    printedReward(classesOf(...sizes), sizes.length, coalitionIn(sizes, malicious));

  it('says the same of random and of the best of equal classes: 0.521', () => {
    const best = rewardOf([33, 33, 34], [10, 10, 10]);
    expect(best.toFixed(3)).toBe('0.521');
    const random = createRandom(seed('equation 8'));
    const coalition = new Set(Array.from({ length: 900 }, (_, at) => at));
    const area = { clusters: new Uint8Array(3_000), sizes: [1_000, 1_000, 1_000], readers: 1 };
    const drawn = Array.from({ length: 20 }, () => printedReward(randomClasses(area, random), 3, coalition));
    expect((drawn.reduce((sum, one) => sum + one, 0) / 20).toFixed(3)).toBe('0.521');
    for (const one of drawn) expect(one).toBeLessThanOrEqual(0.5215);
  });

  it('has its optimum of equal classes at the even spread, by every exchange', () => {
    const even = rewardOf([30, 30, 30], [9, 9, 9]);
    for (let a = 0; a <= 27; a++)
      for (let b = 0; a + b <= 27; b++)
        expect(rewardOf([30, 30, 30], [a, b, 27 - a - b])).toBeLessThanOrEqual(even);
  });

  it('rewards collapse: one giant class is worth 0.699, though its coalition assembles as much as in one pool', () => {
    const sizes = [298, 1, 1];
    expect(rewardOf(sizes, [90, 0, 0]).toFixed(3)).toBe('0.699');
    const share = (of: readonly number[], malicious: readonly number[]) =>
      expectedShare(classesOf(...of), 3, coalitionIn(of, malicious), 3, 'classes behind a gate');
    // By tasks of the class that all are in, nothing is won: 0.66.
    expect(3 * share(sizes, [90, 0, 0])).toBeCloseTo(share([100, 100, 100], [30, 30, 30]), 3);
    // What does help, it calls worse than the even spread.
    expect(rewardOf([100, 100, 100], [90, 0, 0])).toBeLessThan(rewardOf([100, 100, 100], [30, 30, 30]));
    expect(share([100, 100, 100], [90, 0, 0])).toBeLessThan(share([100, 100, 100], [30, 30, 30]) - 0.3);
  });

  it('has a second term that no classification moves', () => {
    const second = (sizes: readonly number[], malicious: readonly number[]) =>
      printedReward(classesOf(...sizes), sizes.length, coalitionIn(sizes, malicious), 0);
    expect(second([298, 1, 1], [90, 0, 0])).toBe(0.7);
    expect(second([100, 100, 100], [30, 60, 0])).toBe(0.7);
  });
});
