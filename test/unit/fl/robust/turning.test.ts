import { describe, expect, it } from 'vitest';
import { createGrid, type Grid, type RoundUpdate } from '../../../../fl/index.js';
import { decodeAccumulator } from '../../../../fl/robust/accumulator.js';
import { play, quiet, reasons, update } from './rounds.js';

const names = 'abcdefghijklmnopqrstuvwxyz';
const line = (...entries: readonly number[]): RoundUpdate[] =>
  entries.map((entry, index) => update(names[index]!, [entry]));
const repeat = (count: number, updates: readonly RoundUpdate[], on: Grid = quiet(1)) =>
  Array.from({ length: count }, () => ({ updates, grid: on }));
/** Verdict of the last device, round by round. */
const lastOnes = (rounds: readonly { updates: readonly RoundUpdate[]; grid: Grid }[]) =>
  play('alignment', rounds).verdicts.map((one) => reasons(one).at(-1)!.slice(2));

/** Median 1000, distances 8, 4, 0, 4 and the last one's own: their median is 4 while that is 4 or more. */
const usual = (last: number) => line(992, 996, 1000, 1004, last);

describe('alignment: who no longer differs from the others as before', () => {
  it('refuses beyond 5/4 of the median distance from what is usual, not at it', () => {
    // 1008 is usual, at distance 8; 5/4 · 4 = 5 beyond it.
    expect(lastOnes([...repeat(12, usual(1008)), ...repeat(1, usual(1013))]).at(-1)).toBe('ok');
    expect(lastOnes([...repeat(12, usual(1008)), ...repeat(1, usual(1014))]).at(-1)).toBe('turned');
    // Neither is as distant as the window allows: 5 medians.
  });

  it('judges from a device’s 10th round on', () => {
    const rounds = (honest: number) => [...repeat(honest, usual(1008)), ...repeat(1, usual(1014))];
    expect(lastOnes(rounds(8)).at(-1)).toBe('ok');
    expect(lastOnes(rounds(9)).at(-1)).toBe('turned');
  });

  it('takes no notice of a movement that all share', () => {
    const rounds = Array.from({ length: 20 }, (_, round) => ({
      updates: line(...[992, 996, 1000, 1004, 1008].map((x) => x - 100 * round)),
      grid: quiet(1),
    }));
    expect(new Set(lastOnes(rounds))).toEqual(new Set(['ok']));
  });

  it('keeps refusing who stays turned, and takes back at once who turns back', () => {
    const turned = [...repeat(12, usual(1008)), ...repeat(12, usual(1016))];
    expect(lastOnes(turned).slice(12)).toEqual(new Array(12).fill('turned'));
    expect(lastOnes([...turned, ...repeat(1, usual(1008))]).at(-1)).toBe('ok');
  });

  it('follows a slow drift, a quarter of the way a round', () => {
    // A drift by s a round stays ahead of the usual by 4s: 4 and 6 against 5.
    const drift = (step: number) =>
      Array.from({ length: 14 }, (_, round) => ({ updates: usual(992 + step * round), grid: quiet(1) }));
    expect(new Set(lastOnes(drift(1)))).toEqual(new Set(['ok']));
    expect(lastOnes(drift(1.5))).toContain('turned');
  });

  it('forgives 3 times the norm that the known noise explains', () => {
    // σC = 1, N = 1, d = 1: 3 is 12 wire steps of 1/4.
    const noisy = createGrid({ dimension: 1, clip16: 65_536, sigma16: 65_536 });
    const rounds = (jump: number) => [
      ...repeat(12, line(9, 9, 9, 9), noisy),
      ...repeat(1, line(9, 9, 9, 9 + jump), noisy),
    ];
    expect(lastOnes(rounds(12)).at(-1)).toBe('ok');
    expect(lastOnes(rounds(13)).at(-1)).toBe('turned');
  });

  it('measures means: (u, N) and (3u, 3N) are one', () => {
    for (const last of [1013, 1014]) {
      const rounds = [...repeat(12, usual(1008)), ...repeat(1, usual(last))];
      const tripled = rounds.map(({ updates, grid }) => ({
        updates: updates.map((one) => ({ ...one, units: 3, wire: one.wire.map((x) => 3 * x) })),
        grid,
      }));
      expect(lastOnes(tripled)).toEqual(lastOnes(rounds));
    }
  });

  it('takes what is usual along when the wire step changes', () => {
    const coarse = createGrid({ dimension: 1, clip16: 131_072, sigma16: 0 });
    for (const last of [1012, 1014]) {
      const rounds = [...repeat(12, usual(1008)), ...repeat(1, usual(last))];
      const mixed = rounds.map((round, index) =>
        index % 2 === 0
          ? round
          : {
              updates: round.updates.map((one) => ({ ...one, wire: one.wire.map((x) => x / 2) })),
              grid: coarse,
            },
      );
      expect(lastOnes(mixed)).toEqual(lastOnes(rounds));
    }
    // Beside steps that are 2³⁰ times as large nothing is left of it; the smallest fit into it again.
    const huge = createGrid({ dimension: 1, clip16: 2 ** 31 - 1, sigma16: 0 });
    const tiny = createGrid({ dimension: 1, clip16: 1, sigma16: 0 });
    const { accumulator } = play('alignment', [
      ...repeat(3, usual(1008), huge),
      ...repeat(1, usual(1008), tiny),
      ...repeat(1, usual(1008), huge),
    ]);
    const entries = decodeAccumulator(accumulator!).devices.map(({ usual: { entries } }) => entries[0]);
    expect(entries.every((entry) => Number.isSafeInteger(entry))).toBe(true);
  });
});
