import { describe, expect, it } from 'vitest';
import {
  createAlignment,
  createGrid,
  type Grid,
  type RoundUpdate,
  verificationRules,
} from '../../../../fl/index.js';
import { context, play, quiet, reasons, update } from './rounds.js';

/** The two tests over sums and window, with lines that are easy to reckon with; turning.test.ts has the third. */
const lines = createAlignment({
  opposing16: 4,
  angle16: 8,
  apart: 8,
  noiseHundredths: 233,
  distanceTenths: 30,
  turningQuarters: 2 ** 30,
});

const grid = quiet(1);
const names = 'abcdefghijklmnopqrstuvwxyz';

/** One number a device, one unit each; null where a device is absent. */
const line = (...entries: readonly (number | null)[]): RoundUpdate[] =>
  entries.flatMap((entry, index) => (entry === null ? [] : [update(names[index]!, [entry])]));

/** `count` equal rounds. */
const repeat = (count: number, updates: readonly RoundUpdate[], on: Grid = grid) =>
  Array.from({ length: count }, () => ({ updates, grid: on }));

const lastReasons = (rounds: readonly { updates: readonly RoundUpdate[]; grid: Grid }[]) =>
  reasons(play(lines, rounds).verdicts.at(-1)!);

const middleOf = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
};

const scores = (rounds: readonly { updates: readonly RoundUpdate[]; grid: Grid }[]) =>
  play(lines, rounds).verdicts.map((verdicts) => verdicts.map(({ score16 }) => score16 / 65_536));

describe('alignment: who opposes the others over all rounds', () => {
  it('scores Σ⟨u_k/N_k, c⟩ / Σ‖c‖² against the mean of the others', () => {
    // c of a: (200 - 100)/2 = 50; of b: 0, where nothing is known; of c: (100 + 200)/2 = 150.
    expect(scores(repeat(1, line(100, 200, -100)))[0]).toEqual([
      2,
      0,
      -Math.round(65_536 * (2 / 3)) / 65_536,
    ]);
  });

  it('weighs the others by their units', () => {
    // c of a: (60 + 40)/(3 + 1) = 25, u_a/N_a = 100/2.
    const updates = [update('a', [100], 2), update('b', [60], 3), update('c', [40], 1)];
    expect(scores([{ updates, grid }])[0]![0]).toBe(2);
  });

  it('refuses from the 4th round on and leaves the refused out of c from the next round on', () => {
    const { verdicts } = play(lines, repeat(5, line(100, 200, -100)));
    const ok = ['a ok', 'b ok', 'c ok'];
    expect(verdicts.map(reasons)).toEqual([
      ok,
      ok,
      ok,
      ['a ok', 'b ok', 'c opposes'],
      ['a ok', 'b ok', 'c opposes'],
    ]);
    // a: four rounds of (100 · 50, 50²), then one of (100 · 200, 200²).
    expect(verdicts[4]![0]!.score16).toBe(Math.round((65_536 * 40_000) / 50_000));
  });

  it('refuses below -1/4, not at it', () => {
    expect(lastReasons(repeat(4, line(100, 100, 100, -25)))).toContain('d distant');
    expect(lastReasons(repeat(4, line(0, 100, 200, 100, -25)))).toContain('e ok');
    expect(lastReasons(repeat(4, line(0, 100, 200, 100, -26)))).toContain('e opposes');
  });

  it('refuses below a cosine of -1/2, not at it', () => {
    // Against c = (100, 0) of all others: the last one's update is (-100, y), 1/2 at y = 173.2.
    const plane = quiet(2);
    const at = (y: number) => [
      ...['a', 'b', 'c', 'd'].flatMap((name, index) => update(name, [100, index % 2 === 0 ? 1000 : -1000])),
      update('e', [-100, y]),
    ];
    expect(lastReasons(repeat(4, at(173), plane))).toContain('e opposes');
    expect(lastReasons(repeat(4, at(174), plane))).toContain('e ok');
    // The device's own known noise is not held against the sharpness of its angle: σC√d = √2 of 4 wire steps each.
    const noisy = createGrid({ dimension: 2, clip16: 65_536, sigma16: 65_536 });
    const own = (y: number) => [
      ...['a', 'b', 'c', 'd'].flatMap((name, index) => update(name, [10, index % 2 === 0 ? 15 : -15])),
      update('e', [-10, y]),
    ];
    // -10/√(10² + y² - 2·16) < -1/2 up to y = 18.2; with the noise in it, up to 17.3.
    expect(lastReasons(repeat(4, own(18), noisy))).toContain('e opposes');
    expect(lastReasons(repeat(4, own(19), noisy))).toContain('e ok');
  });

  it.each([
    ['scattered, 8 median deviations below the median, not at it', [20, 60, 100, 140, 180]],
    ['close together, below -1/2, not at it', [92, 96, 100, 104, 108]],
  ])('refuses at any angle who lies apart from others that are %s', (_, pulls) => {
    // The others pull along the first axis, the last one against it, at a wide angle.
    const space = quiet(7);
    const own = (index: number) => [0, 0, 0, 0, 0, 0].map((__, at) => (at === index ? 300 : 0));
    const at = (last: number) => [
      ...pulls.map((pull, index) => update(names[index]!, [pull, ...own(index)])),
      update('f', [last, ...own(5)]),
    ];
    const seen = new Set<string>();
    for (let last = 0; last > -300; last -= 5) {
      const judged = play(lines, repeat(4, at(last), space)).verdicts.at(-1)!;
      const scores = judged.map(({ score16 }) => score16);
      const middle = middleOf(scores);
      const deviation = middleOf(scores.map((score) => Math.abs(score - middle)));
      const isApart = scores[5]! < -32_768 && middle - scores[5]! > 8 * deviation;
      expect(reasons(judged)[5], `${last}`).toBe(isApart ? 'f opposes' : 'f ok');
      seen.add(reasons(judged)[5]!);
    }
    expect(seen.size).toBe(2);
  });

  it('refuses below -2.33 standard deviations of the device’s own noise, not above', () => {
    // σC = 1, four rounds: A = 4uc against 2.33 · √(4c²), so u < -1.165; the wire step is 1/4.
    const noisy = createGrid({ dimension: 1, clip16: 65_536, sigma16: 65_536 });
    expect(lastReasons(repeat(4, line(8, 8, 2, -4), noisy))).toContain('d ok');
    expect(lastReasons(repeat(4, line(8, 8, 2, -5), noisy))).toContain('d opposes');
    // -3 steps in R rounds are 3√R/4 deviations: 2.25 in nine rounds, 2.37 in ten.
    expect(lastReasons(repeat(9, line(8, 8, 2, -3), noisy))).toContain('d ok');
    expect(lastReasons(repeat(10, line(8, 8, 2, -3), noisy))).toContain('d opposes');
    // With three units the noise of a mean is a third, u_k/N_k < -1.165/3: 4.66 steps of the sum again.
    const three = (last: number) => line(16, 16, 4, last).map((one) => ({ ...one, units: 3 }));
    expect(lastReasons(repeat(4, three(-4), noisy))).toContain('d ok');
    expect(lastReasons(repeat(4, three(-5), noisy))).toContain('d opposes');
  });

  it('takes a device back that is good again, and counts it again', () => {
    const rounds = [...repeat(4, line(100, 200, -100)), ...repeat(6, line(100, 200, 150))];
    const { verdicts } = play(lines, rounds);
    // Against c = 150: A = 4 · -15,000 + 22,500, B = 5 · 22,500, U = 4 · 10,000 + 22,500: a cosine of -0.45.
    expect(verdicts.slice(3, 7).map((one) => reasons(one)[2])).toEqual(['c opposes', 'c ok', 'c ok', 'c ok']);
    // a in round 7: rounds 1 to 4 against 50, 5 against 200 (c refused), 6 and 7 against (200 + 150)/2.
    const inner = 100 * (4 * 50 + 200 + 2 * 175);
    const energy = 4 * 50 ** 2 + 200 ** 2 + 2 * 175 ** 2;
    expect(verdicts[6]![0]!.score16).toBe(Math.round((65_536 * inner) / energy));
  });

  it('compares a device that is alone with itself: c is the mean of all', () => {
    expect(scores(repeat(1, line(-7)))[0]).toEqual([1]);
    // a and b refused, c alone left: c is measured against the mean of all three, (-100 - 100 + 300)/3.
    const rounds = [...repeat(4, line(-100, -100, 300)), ...repeat(1, line(-100, -100, 300))];
    const { verdicts } = play(lines, rounds);
    expect(reasons(verdicts[3]!)).toEqual(['a opposes', 'b opposes', 'c opposes']);
    expect(reasons(verdicts[4]!)[2]).toBe('c opposes');
  });

  it('judges a late joiner from its own 4th round on', () => {
    const early = repeat(6, line(100, 200, 150));
    const late = repeat(4, line(100, 200, 150, -100));
    const { verdicts } = play(lines, [...early, ...late]);
    expect(verdicts.slice(6).map((one) => reasons(one)[3])).toEqual(['d ok', 'd ok', 'd ok', 'd opposes']);
  });

  it('keeps the sums of a device that is absent', () => {
    const rounds = [
      ...repeat(3, line(100, 200, 150, -100)),
      ...repeat(12, line(100, 200, 150, null)),
      ...repeat(1, line(100, 200, 150, -100)),
    ];
    expect(lastReasons(rounds)).toContain('d opposes');
  });
});

describe('alignment: who is distant from the others over the last rounds', () => {
  it('refuses beyond 3 times the median distance, not at it', () => {
    // Median 1000, distances 2, 1, 0, 1 and the last one's: their median is 1.
    expect(lastReasons(repeat(4, line(998, 999, 1000, 1001, 1003)))).toContain('e ok');
    expect(lastReasons(repeat(4, line(998, 999, 1000, 1001, 1004)))).toContain('e distant');
    expect(lastReasons(repeat(3, line(998, 999, 1000, 1001, 1004)))).toContain('e ok');
  });

  it('tells apart a ten-thousandth of a step', () => {
    const means = (last: number) =>
      line(998, 999, 1000, 1001, last).map((one, index) => ({
        ...one,
        units: 10_000,
        wire: one.wire.map((x) => 10_000 * x + (index === 4 ? 1 : 0)),
      }));
    expect(lastReasons(repeat(4, means(1003)))).toContain('e distant');
    expect(lastReasons(repeat(4, means(1002)))).toContain('e ok');
  });

  it('takes the middle of two for an even number', () => {
    // Median 1000.5, distances 2.5, 1.5, 0.5, 0.5, 1.5, x: their median is 1.5 for x >= 1.5; 4.5 is the limit.
    expect(lastReasons(repeat(4, line(998, 999, 1000, 1001, 1002, 1005)))).toContain('f ok');
    expect(lastReasons(repeat(4, line(998, 999, 1000, 1001, 1002, 1006)))).toContain('f distant');
    // Distances 0.5, 1.5, 1.5, 9.5, ...: the two middle ones count, (1.5 + 3.5)/2 = 2.5 gives 7.5.
    expect(lastReasons(repeat(4, line(999, 1000, 1001, 1004, 997, 1008)))).toContain('f ok');
    expect(lastReasons(repeat(4, line(999, 1000, 1001, 1004, 997, 1009)))).toContain('f distant');
  });

  it('measures over all coordinates', () => {
    const plane = quiet(2);
    const at = (x: number, y: number) =>
      [
        [500, 500],
        [501, 500],
        [500, 501],
        [499, 500],
        [500 + x, 500 + y],
      ].map((wire, index) => update(names[index]!, wire));
    // The median is (500, 500), the median distance 1: (2, 2) is at 2.83, (3, 1) at 3.16.
    expect(lastReasons(repeat(4, at(2, 2), plane))).toContain('e ok');
    expect(lastReasons(repeat(4, at(3, 1), plane))).toContain('e distant');
  });

  it('forgets a round after ten', () => {
    const rounds = [
      ...repeat(10, line(998, 999, 1000, 1001, 1004)),
      ...repeat(3, line(998, 999, 1000, 1001, 1000)),
    ];
    // The window's mean is 1000 + 0.4 for each bad round left in it: 9, 8 and 7 of them against 3.
    const { verdicts } = play(lines, rounds);
    expect(verdicts.slice(9).map((one) => reasons(one)[4])).toEqual([
      'e distant',
      'e distant',
      'e distant',
      'e ok',
    ]);
  });

  it('allows 3 times the norm that the known noise explains', () => {
    // σC = 1, d = 1, four rounds: 3 · 1/2 is 6 steps of 1/4.
    const noisy = createGrid({ dimension: 1, clip16: 65_536, sigma16: 65_536 });
    expect(lastReasons(repeat(4, line(9, 9, 9, 15), noisy))).toContain('d ok');
    expect(lastReasons(repeat(4, line(9, 9, 9, 16), noisy))).toContain('d distant');
    // Nine rounds: 3 · 1/3 is 4 steps.
    expect(lastReasons(repeat(9, line(9, 9, 9, 13), noisy))).toContain('d ok');
    expect(lastReasons(repeat(9, line(9, 9, 9, 14), noisy))).toContain('d distant');
    // d = 4: √4 times as much.
    const four = createGrid({ dimension: 4, clip16: 65_536, sigma16: 65_536 });
    const wide = (last: number) =>
      [9, 9, 9, last].map((entry, index) => update(names[index]!, [entry, 9, 9, 9]));
    expect(lastReasons(repeat(4, wide(21), four))).toContain('d ok');
    expect(lastReasons(repeat(4, wide(22), four))).toContain('d distant');
  });

  it('does not compare a late joiner with rounds that it has not seen', () => {
    const rounds = [
      ...repeat(9, line(998, 999, 1000, 1001, null)),
      ...repeat(4, line(98, 99, 100, 101, 100)),
    ];
    expect(lastReasons(rounds)).toEqual(['a ok', 'b ok', 'c ok', 'd ok', 'e ok']);
    const bad = [...repeat(9, line(998, 999, 1000, 1001, null)), ...repeat(4, line(98, 99, 100, 101, 110))];
    expect(lastReasons(bad)).toEqual(['a ok', 'b ok', 'c ok', 'd ok', 'e distant']);
  });

  it('goes on when most devices miss some round', () => {
    // Each round another honest device is absent, the distant one never.
    const rounds = Array.from({ length: 8 }, (_, round) => ({
      updates: line(...[998, 999, 1000, 1001, 1002].map((x, k) => (k === round % 5 ? null : x)), 1020),
      grid,
    }));
    const { verdicts } = play(lines, rounds);
    expect(reasons(verdicts.at(-1)!)).toEqual(['a ok', 'b ok', 'd ok', 'e ok', 'f distant']);
  });
});

describe('alignment in either test', () => {
  it('may cost reputation', () => {
    expect(verificationRules.alignment.absolute).toBe(true);
  });

  it('leaves an update over the norm cap out of everything', () => {
    const rounds = repeat(4, line(998, 999, 1000, 1001, 1003));
    const withLong = rounds.map(({ updates }) => ({ updates: [...updates, update('z', [-9999])], grid }));
    const plain = play(lines, rounds).verdicts;
    const { verdicts } = play(lines, withLong);
    expect(verdicts.map((one) => one.slice(0, 5))).toEqual(plain);
    expect(verdicts.map((one) => reasons(one)[5])).toEqual(new Array(4).fill('z norm'));
  });

  it('does not depend on the scale of units: (u, N) and (3u, 3N) are one mean', () => {
    const tripled = (updates: readonly RoundUpdate[]) =>
      updates.map((one) => ({ ...one, units: 3, wire: one.wire.map((x) => 3 * x) }));
    for (const updates of [line(100, 200, -100, 50), line(998, 999, 1000, 1001, 1004)]) {
      const plain = play(lines, repeat(6, updates)).verdicts;
      expect(play(lines, repeat(6, tripled(updates))).verdicts).toEqual(plain);
    }
  });

  it('does not depend on the wire step, even if it changes from round to round', () => {
    const coarse = createGrid({ dimension: 1, clip16: 131_072, sigma16: 0 });
    const halved = (updates: readonly RoundUpdate[]) =>
      updates.map((one) => ({ ...one, wire: one.wire.map((x) => x / 2) }));
    for (const updates of [
      line(100, 200, -100, 50),
      line(904, 906, 908, 910, 914),
      line(904, 906, 908, 910, 916),
    ]) {
      const plain = play(lines, repeat(6, updates)).verdicts;
      const mixed = repeat(6, updates).map((round, index) =>
        index % 2 === 0 ? round : { updates: halved(updates), grid: coarse },
      );
      expect(play(lines, mixed).verdicts).toEqual(plain);
    }
  });

  it('takes rounds whose wire steps differ by more than 2³²', () => {
    const huge = createGrid({ dimension: 1, clip16: 2 ** 31 - 1, sigma16: 0 });
    const tiny = createGrid({ dimension: 1, clip16: 1, sigma16: 0 });
    const far = line(998, 999, 1000, 1001, 1004);
    const near = line(998, 999, 1000, 1001, 1000);
    // Next to the huge rounds nothing is left of the tiny ones, whatever they say.
    const mix = (inHuge: readonly RoundUpdate[], inTiny: readonly RoundUpdate[]) => [
      ...repeat(4, inHuge, huge),
      ...repeat(6, inTiny, tiny),
    ];
    expect(lastReasons(mix(far, near))).toContain('e distant');
    expect(lastReasons(mix(near, far))).toContain('e ok');
  });

  it('asserts on an accumulator of another task, of a later round or of the same one', () => {
    const { accumulator } = play(lines, repeat(3, line(1, 2, 3)));
    const verify = (on: Grid, round: number, updates: readonly RoundUpdate[]) => () =>
      lines.verify(updates, accumulator, context(on, round));
    expect(verify(quiet(2), 4, [update('a', [1, 1])])).toThrow(/of this task/);
    expect(verify(grid, 3, line(1, 2, 3))).toThrow(/judged once/);
    expect(verify(grid, 2, line(1, 2, 3))).toThrow(/judged once/);
    expect(verify(grid, 4, line(1, 2, 3))).not.toThrow();
    expect(verify(grid, 40, line(1, 2, 3))).not.toThrow();
  });
});
