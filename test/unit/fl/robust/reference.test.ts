import { describe, expect, it } from 'vitest';
import { createGrid, type Grid, type RoundUpdate, wireStep } from '../../../../fl/index.js';
import { generator, play, quiet, reasons, update } from './rounds.js';

/**
 * Alignment once more, from its definition: whole history in memory, doubles, no accumulator, no
 * fixed point. Verdicts must be equal; scores up to the last place of 2⁻¹⁶.
 */
function naiveAlignment(rounds: readonly (readonly RoundUpdate[])[], grid: Grid) {
  const step = wireStep(grid);
  const noise = (grid.sigma16 / 65_536) * (grid.clip16 / 65_536);
  const refused = new Set<string>();
  const sums = new Map<string, { inner: number; energy: number; seen: number }>();
  const usual = new Map<string, readonly number[]>();
  return rounds.map((updates, now) => {
    const counted = updates.filter(({ device }) => !refused.has(device));
    for (const one of updates) {
      const others = counted.filter((other) => other !== one);
      const compared = others.length > 0 ? [...others, one] : updates;
      const c = weightedMean(compared, step);
      const u = meanOf(one, step);
      const own = (grid.dimension * noise ** 2) / one.units / unitsOf(compared);
      const old = sums.get(one.device) ?? { inner: 0, energy: 0, seen: 0 };
      sums.set(one.device, {
        inner: old.inner + inner(u, c) - own,
        energy: old.energy + inner(c, c),
        seen: old.seen + 1,
      });
    }
    const window = rounds.slice(Math.max(0, now - 9), now + 1);
    const seenOf = (device: string) => sums.get(device)!.seen;
    const turned = turnedOf(updates, usual, seenOf, step, noise);
    const verdicts = updates.map((one, index) => {
      const { inner: a, energy: b, seen } = sums.get(one.device)!;
      const r = a / b;
      const opposes = seen >= 4 && r < -Math.max(1 / 4, (2.33 * noise) / one.units / Math.sqrt(b));
      const distant = isDistant(one, updates, window, step, noise);
      const reason = opposes ? 'opposes' : distant ? 'distant' : turned[index] ? 'turned' : 'ok';
      return { device: one.device, reason, score: r };
    });
    for (const { device, reason } of verdicts) reason === 'ok' ? refused.delete(device) : refused.add(device);
    return verdicts;
  });
}

/** Who has turned; moves what is usual. */
function turnedOf(
  updates: readonly RoundUpdate[],
  usual: Map<string, readonly number[]>,
  seenOf: (device: string) => number,
  step: number,
  noise: number,
): boolean[] {
  const means = updates.map((one) => meanOf(one, step));
  const centre = (means[0] ?? []).map((_, i) => medianOf(means.map((mean) => mean[i]!)));
  const differs = means.map((mean) => mean.map((entry, i) => entry - centre[i]!));
  const spread = medianOf(differs.map((one) => Math.hypot(...one)));
  return updates.map(({ device, units }, index) => {
    const now = differs[index]!;
    const before = usual.get(device) ?? now;
    const jump = Math.hypot(...now.map((entry, i) => entry - before[i]!));
    const allowed = Math.max(1.25 * spread, (3 * noise * Math.sqrt(now.length)) / units);
    const turned = seenOf(device) >= 10 && jump > allowed;
    const rate = turned ? 64 : Math.min(4, seenOf(device));
    usual.set(
      device,
      before.map((entry, i) => entry + (now[i]! - entry) / rate),
    );
    return turned;
  });
}

function isDistant(
  one: RoundUpdate,
  updates: readonly RoundUpdate[],
  window: readonly (readonly RoundUpdate[])[],
  step: number,
  noise: number,
): boolean {
  const of = (device: string, round: readonly RoundUpdate[]) => round.find((each) => each.device === device);
  const own = window.filter((round) => of(one.device, round) !== undefined);
  if (own.length < 4) return false;
  const means = updates.flatMap(({ device }) => {
    const shared = own.flatMap((round) => of(device, round) ?? []);
    if (2 * shared.length < own.length) return [];
    const all = shared.map((each) => meanOf(each, step));
    return [{ device, mean: all[0]!.map((_, i) => all.reduce((sum, u) => sum + u[i]!, 0) / all.length) }];
  });
  const centre = means[0]!.mean.map((_, i) => medianOf(means.map(({ mean }) => mean[i]!)));
  const distance = (mean: readonly number[]) => Math.hypot(...mean.map((entry, i) => entry - centre[i]!));
  const expected = (noise / one.units) * Math.sqrt(centre.length / own.length);
  const mine = distance(means.find(({ device }) => device === one.device)!.mean);
  return mine > 5 * Math.max(medianOf(means.map(({ mean }) => distance(mean))), expected);
}

const meanOf = ({ wire, units }: RoundUpdate, step: number) =>
  [...wire].map((entry) => (entry * step) / units);
const inner = (a: readonly number[], b: readonly number[]) =>
  a.reduce((sum, entry, i) => sum + entry * b[i]!, 0);

const unitsOf = (updates: readonly RoundUpdate[]) => updates.reduce((sum, one) => sum + one.units, 0);

function weightedMean(updates: readonly RoundUpdate[], step: number): number[] {
  const units = unitsOf(updates);
  return [...updates[0]!.wire].map(
    (_, i) => (updates.reduce((sum, { wire }) => sum + wire[i]!, 0) * step) / units,
  );
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}

/** Devices pull towards a drifting direction; some the other way, some from half-way on; each misses some rounds. */
function randomTask(seed: number, grid: Grid, size: number): RoundUpdate[][] {
  const random = generator(seed);
  const devices = 5 + Math.floor(random() * 6);
  const units = Array.from({ length: devices }, () => 1 + Math.floor(random() * 40));
  const kinds = units.map(() => Math.floor(random() * 5));
  const present = seed % 2 === 0 ? 1 : 0.8;
  return Array.from({ length: 14 }, (_, round) =>
    units.flatMap((unit, index) => {
      if (random() >= present) return [];
      const sign = kinds[index] === 0 || (kinds[index] === 1 && round > 6) ? -1 : 1;
      const wire = Array.from({ length: grid.dimension }, (_, i) =>
        Math.round(
          size * unit * (sign * (60 - 3 * round) * Math.cos(i + round / 9) + 40 * (random() + random() - 1)),
        ),
      );
      return [update(`d${index}`, wire, unit)];
    }),
  ).map((updates) => [...updates].sort((a, b) => (a.device < b.device ? -1 : 1)));
}

describe('alignment against a naive reading of the specification', () => {
  const noisy = createGrid({ dimension: 3, clip16: 65_536, sigma16: 13_107 });
  it.each<[string, Grid, number]>([
    ['without noise', quiet(3), 1],
    ['with noise', noisy, 1 / 6],
  ])('gives the same verdicts on 16 random tasks %s (seeds 0 to 15)', (_, grid, size) => {
    const seen = new Map<string, number>();
    let off = 0;
    for (let seed = 0; seed < 16; seed++) {
      const rounds = randomTask(seed, grid, size);
      const expected = naiveAlignment(rounds, grid);
      const { verdicts } = play(
        'alignment',
        rounds.map((updates) => ({ updates, grid })),
      );
      const named = expected.map((round) => round.map(({ device, reason }) => `${device} ${reason}`));
      expect(verdicts.map(reasons), `seed ${seed}`).toEqual(named);
      for (const [index, { score16, reason }] of verdicts.flat().entries()) {
        off = Math.max(off, Math.abs(score16 / 65_536 - expected.flat()[index]!.score));
        seen.set(reason ?? 'ok', (seen.get(reason ?? 'ok') ?? 0) + 1);
      }
    }
    expect(off).toBeLessThan(1 / 65_536);
    // The tasks reach every verdict.
    for (const reason of ['ok', 'opposes', 'distant', 'turned'])
      expect(seen.get(reason) ?? 0, reason).toBeGreaterThan(2);
  });
});
