import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drbg, utf8ToBytes } from '../../../../crypto/index.js';
import {
  addNoise,
  type Clipping,
  type ClippingParams,
  type ClippingRelease,
  checkClipping,
  clippingRules,
  countRho,
  createGrid,
  discreteGaussian,
  type Grid,
  leavesOutStep,
  roundRho,
  roundToFine,
  squaredNorm,
  toWire,
  wireStep,
} from '../../../../fl/index.js';

const { fixed, adaptive, quantile, search } = clippingRules;
const at16 = (x: number) => Math.round(x * 65_536);
const params = (change: Partial<ClippingParams> = {}): ClippingParams => {
  return { clip16: at16(1), clipMin16: at16(1 / 64), rate16: at16(0.1), aim16: at16(1), ...change };
};

/** The seed paper's own setting: d = 9, σ = 4, 20 devices, each clipped and noised as a whole. */
const [DIMENSION, SIGMA, DEVICES] = [9, 4, 20];

/** What a round releases when every device's update has this length, up to the threshold, in one direction. */
function release(clip16: number, length: number, random: (bytes: number) => Uint8Array): ClippingRelease {
  const grid = createGrid({ dimension: DIMENSION, clip16, sigma16: at16(SIGMA) });
  const each = Math.min(length, clip16 / 65_536) / Math.sqrt(DIMENSION);
  const sum = new Int32Array(DIMENSION);
  for (let device = 0; device < DEVICES; device++) {
    const update = roundToFine(new Float64Array(DIMENSION).fill(each), grid);
    toWire(addNoise(update, grid, random), grid).forEach((x, i) => {
      sum[i]! += x;
    });
  }
  return {
    grid,
    squaredNorm: squaredNorm(sum),
    devices: DEVICES,
    divisor: DEVICES,
    gradients32: 2 ** 32,
    asked: DEVICES,
    signedCount: null,
  };
}

/** Equations 5 and 6 as printed: the noise in the mean counts as if it were signal. In doubles; nobody ships it. */
function literal(before: number, energy: number, { grid, squaredNorm: square, divisor }: ClippingRelease) {
  const next = 0.9 * energy + 0.1 * (Number(square) * (wireStep(grid) / divisor) ** 2);
  return { clip: Math.min(2 ** 14, Math.sqrt(next)), energy: next, before };
}

describe('adaptive clipping', () => {
  it.each([1, 2])(
    'stays with the updates where the paper’s own rule runs away with its noise (seed %i)',
    (seed) => {
      const random = drbg(utf8ToBytes(`clipping/${seed}`));
      let paper = { clip: 1, energy: 1, before: 1 };
      const rule = params({ clip16: at16(30), clipMin16: at16(1 / 1024) });
      let ours: Clipping = adaptive.start(rule);
      expect(ours.clip16).toBe(at16(30));
      const late: number[] = [];
      for (let round = 1; round <= 90; round++) {
        paper = literal(paper.clip, paper.energy, release(at16(paper.clip), 1, random));
        ours = adaptive.next(rule, ours, release(ours.clip16, 1, random));
        if (round > 70) late.push(ours.clip16 / 65_536);
      }
      // β²P/C² is dσ²/K = 7.2: the paper's C grows by a quarter each round, a thousandfold and more.
      expect(paper.clip).toBeGreaterThan(10_000);
      expect(Math.max(...late)).toBeLessThan(10);
    },
  );

  it('has no bias: with C held, the mean of E is the square of the mean update', () => {
    const random = drbg(utf8ToBytes('clipping/bias'));
    const rule = params({ rate16: 2 ** 16 }); // E is the newest measurement alone
    const samples = Array.from({ length: 100 }, () => {
      const { memory } = adaptive.next(rule, { clip16: at16(1), memory: 0n }, release(at16(1), 0.5, random));
      return Number(memory) / 2 ** 64;
    });
    const mean = samples.reduce((sum, x) => sum + x, 0) / samples.length;
    const deviation = Math.sqrt(samples.reduce((sum, x) => sum + (x - mean) ** 2, 0) / samples.length);
    expect(Math.abs(mean - 0.25)).toBeLessThan((4 * deviation) / Math.sqrt(samples.length));
    // Without taking P = 7.2 off it would be 7.45.
    expect(deviation / Math.sqrt(samples.length)).toBeLessThan(0.5);
  });

  it('is the formula, to the last unit but one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 0, max: at16(8) }),
        fc.integer({ min: 1, max: 100_000 }),
        fc.integer({ min: 1, max: 50 }),
        fc.nat(2 ** 30),
        (dimension, sigma16, divisor, devices, norm) => {
          const grid: Grid = createGrid({ dimension, clip16: at16(1), sigma16 });
          const step = wireStep(grid);
          const fine = 2 ** grid.fineExponent;
          const noise = ((sigma16 / 65_536) * grid.sensitivity * fine) ** 2 + step ** 2 / 12;
          const expected =
            0.9 * 0.25 + 0.1 * ((norm * step ** 2 - devices * dimension * noise) / divisor ** 2);
          const rule = params({ rate16: 6554, aim16: at16(2), clipMin16: 1 });
          const next = adaptive.next(rule, adaptive.start(rule), {
            grid,
            squaredNorm: BigInt(norm),
            devices,
            divisor,
            gradients32: 2 ** 32,
            asked: divisor,
            signedCount: null,
          });
          const energy = Number(next.memory) / 2 ** 64;
          expect(Math.abs(energy - expected)).toBeLessThan(
            1e-4 * (Math.abs(expected) + 1) + Math.abs(expected - 0.225) * 1e-4,
          );
          const clip = Math.min(1, Math.max(1 / 65_536, 2 * Math.sqrt(Math.max(0, energy))));
          expect(Math.abs(next.clip16 / 65_536 - clip)).toBeLessThan(2e-5);
        },
      ),
    );
  });

  it('keeps to clipMin and clip', () => {
    const grid = createGrid({ dimension: 9, clip16: at16(1), sigma16: 0 });
    const next = (norm: bigint) =>
      adaptive.next(params(), adaptive.start(params()), {
        grid,
        squaredNorm: norm,
        devices: 1,
        divisor: 1,
        gradients32: 2 ** 32,
        asked: 1,
        signedCount: null,
      });
    expect(next(1n << 60n).clip16).toBe(at16(1));
    let low: Clipping = adaptive.start(params());
    for (let i = 0; i < 200; i++)
      low = adaptive.next(params(), low, {
        grid,
        squaredNorm: 0n,
        devices: 20,
        divisor: 20,
        gradients32: 2 ** 32,
        asked: 20,
        signedCount: null,
      });
    expect(low.clip16).toBe(at16(1 / 64));
  });
});

describe('quantile clipping', () => {
  it('moves by e^(η(γ - b)): down when all are unclipped, up when all are clipped', () => {
    const rule = params({ clip16: at16(100), clipMin16: 1, rate16: at16(0.2), aim16: at16(0.5) });
    const grid = createGrid({ dimension: 9, clip16: at16(1), sigma16: at16(1) });
    const next = (signedCount: number) =>
      quantile.next(
        rule,
        { clip16: at16(1), memory: 0n },
        { grid, squaredNorm: 0n, devices: 2, divisor: 50, gradients32: 2 ** 32, asked: 50, signedCount },
      ).clip16 / 65_536;
    expect(next(50)).toBeCloseTo(Math.exp(-0.1), 4);
    expect(next(-50)).toBeCloseTo(Math.exp(0.1), 4);
    expect(next(0)).toBeCloseTo(1, 4);
    expect(next(20)).toBeCloseTo(Math.exp(-0.2 * (0.7 - 0.5)), 4);
    expect(next(5000)).toBe(next(50)); // noise may say more than all
    expect(() =>
      quantile.next(rule, quantile.start(rule), {
        grid,
        squaredNorm: 0n,
        devices: 2,
        divisor: 50,
        gradients32: 2 ** 32,
        asked: 50,
        signedCount: null,
      }),
    ).toThrow(/count/);
  });

  it('finds the median of the norms, through the noise', () => {
    const rule = params({ clip16: at16(64), clipMin16: 1, rate16: at16(0.2), aim16: at16(0.5) });
    const random = drbg(utf8ToBytes('clipping/quantile'));
    const norms = Array.from({ length: 400 }, (_, i) => (i + 0.5) / 100); // median 2
    const grid = createGrid({ dimension: 9, clip16: at16(1), sigma16: at16(1) });
    let now: Clipping = quantile.start(rule);
    for (let round = 0; round < 120; round++) {
      const true_ = norms.reduce((sum, norm) => sum + (norm <= now.clip16 / 65_536 ? 1 : -1), 0);
      const signedCount = true_ + Number(discreteGaussian(random, 400n, 1n)); // σ = 20
      now = quantile.next(rule, now, {
        grid,
        squaredNorm: 0n,
        devices: 20,
        divisor: norms.length,
        gradients32: 2 ** 32,
        asked: norms.length,
        signedCount,
      });
    }
    expect(Math.abs(now.clip16 / 65_536 - 2)).toBeLessThan(0.3);
  });

  it('is charged: one unit moves the count by one', () => {
    expect(countRho(at16(20))).toBe(roundRho(at16(20)));
    expect(quantile.asksForCount && search.asksForCount).toBe(true);
    expect(adaptive.asksForCount || fixed.asksForCount).toBe(false);
  });
});

describe('a search for the threshold', () => {
  const rule = params({ clip16: at16(8), clipMin16: at16(1), rate16: at16(0.5), aim16: at16(0.4) });
  const grid = createGrid({ dimension: 9, clip16: at16(1), sigma16: at16(1) });
  const told = (signedCount: number | null): ClippingRelease => {
    return { grid, squaredNorm: 0n, devices: 2, divisor: 50, gradients32: 2 ** 32, asked: 50, signedCount };
  };

  it('multiplies C by η while more than γ of the units are whole, then keeps it for good', () => {
    let now = search.start(rule);
    const seen: number[] = [];
    for (const count of [50, 20, -12, 50, 50]) {
      now = search.next(rule, now, told(count));
      seen.push(now.clip16 / 65_536);
    }
    // 100 % and 70 % are more than 40 %, 38 % is not; after that nothing moves it.
    expect(seen).toEqual([4, 2, 2, 2, 2]);
  });

  it('compares whole numbers, to the last unit', () => {
    const exactly = (aim16: number, count: number) =>
      search.next({ ...rule, aim16 }, search.start(rule), told(count)).clip16;
    // 3/4 of 50 units whole is a count of 25; γ = 49152/65536.
    expect(exactly(49_152, 25)).toBe(rule.clip16);
    expect(exactly(49_151, 25)).toBe(rule.clip16 / 2);
    expect(exactly(49_152, 26)).toBe(rule.clip16 / 2);
    expect(exactly(2 ** 16 - 1, 5_000)).toBe(exactly(2 ** 16 - 1, 50));
    expect(exactly(1, -5_000)).toBe(rule.clip16);
  });

  it('ends at the least threshold, even of one that is no power of the rate', () => {
    const low = { ...rule, clipMin16: at16(3) };
    const seen: Clipping[] = [search.start(low)];
    for (let round = 0; round < 4; round++) seen.push(search.next(low, seen.at(-1)!, told(50)));
    expect(seen.map(({ clip16 }) => clip16 / 65_536)).toEqual([8, 4, 3, 3, 3]);
    expect(seen.map(({ memory }) => memory)).toEqual([0n, 0n, 0n, 1n, 1n]);
  });

  it('needs its count, and a rate and a share below one', () => {
    expect(() => search.next(rule, search.start(rule), told(null))).toThrow(/count/);
    for (const change of [{ rate16: 2 ** 16 }, { aim16: 2 ** 16 }])
      expect(() => search.start({ ...rule, ...change })).toThrow();
  });

  it('leaves the step out where C falls, and no other rule does', () => {
    const choice = { ...rule, countSigma16: at16(30) };
    const [high, low] = [2, 1].map((clip16) => ({ clip16, memory: 0n }));
    expect(leavesOutStep({ ...choice, rule: 'search' }, high!, low!)).toBe(true);
    expect(leavesOutStep({ ...choice, rule: 'search' }, high!, high!)).toBe(false);
    expect(leavesOutStep({ ...choice, rule: 'search' }, low!, high!)).toBe(false);
    for (const other of ['fixed', 'adaptive', 'quantile'] as const)
      expect(leavesOutStep({ ...choice, rule: other }, high!, low!)).toBe(false);
  });

  it('is refused where it could take every round, or its C would not fall', () => {
    const choice = { ...rule, rule: 'search', countSigma16: at16(30) } as const;
    const check = (rounds: number, change = {}) =>
      checkClipping({ ...choice, ...change }, { clip16: rule.clip16, sigma16: at16(6), rounds });
    // From 8 to 1 by halves: three rounds.
    expect(check(4)).toBeNull();
    expect(check(3)).toMatch(/all 3 rounds/);
    expect(check(100_000, { rate16: 2 ** 16 - 8 })).toBeNull();
    expect(check(100_000, { rate16: 2 ** 16 - 1 })).toMatch(/all 100000 rounds/);
    expect(check(100, { rate16: 2 ** 16 - 1 })).toMatch(/all 100 rounds/);
    expect(check(100, { rate16: 2 ** 16 })).toMatch(/rate of search/);
    expect(check(1, { clipMin16: rule.clip16 })).toBeNull();
    expect(check(100, { aim16: 2 ** 16 })).toMatch(/aims/);
    expect(check(100, { countSigma16: 0 })).toMatch(/count/);
  });
});

describe('fixed clipping', () => {
  it('stays', () => {
    const start = fixed.start(params());
    expect(start.clip16).toBe(at16(1));
    const random = drbg(utf8ToBytes('clipping/fixed'));
    expect(fixed.next(params(), start, release(at16(1), 1, random))).toEqual(start);
  });

  it.each([
    { clip16: 0 },
    { clipMin16: 0 },
    { clipMin16: at16(2) },
    { rate16: 0 },
    { rate16: 2 ** 17 },
    { aim16: 0 },
  ])('no rule starts from %j', (change) => {
    for (const rule of Object.values(clippingRules)) expect(() => rule.start(params(change))).toThrow();
  });
});
