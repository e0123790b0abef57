import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drbg, utf8ToBytes } from '../../../../crypto/index.js';
import {
  addNoise,
  createGrid,
  encodeUpdate,
  fineStep,
  type Grid,
  type GridParams,
  normCapSquared,
  roundToFine,
  toWire,
  WIRE_MAX,
  wireStep,
  wireSteps,
} from '../../../../fl/index.js';

const params = (): fc.Arbitrary<GridParams> =>
  fc.record({
    dimension: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 2 ** 22 })),
    clip16: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
    sigma16: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 ** 21 }), fc.nat(2 ** 31 - 1)),
  });

/** Logistic regression on Pima: d = 9, C = 1, σ = 6.70. */
const demo = createGrid({ dimension: 9, clip16: 65536, sigma16: 439091 });

/** σ = 4: its wire step, 512 fine steps, has a middle. */
const even = createGrid({ dimension: 9, clip16: 65536, sigma16: 4 * 65536 });

/** Unit vector in a seeded direction. */
function direction(dimension: number, random: (bytes: number) => Uint8Array): number[] {
  const raw = [...random(2 * dimension)].map((byte) => byte - 127.5);
  const vector = raw.slice(0, dimension).map((x, i) => x * raw[i + dimension]!);
  const norm = Math.hypot(...vector);
  return vector.map((x) => x / norm);
}

describe('createGrid', () => {
  it('gives the demo’s grid', () => {
    expect(demo).toEqual({
      dimension: 9,
      clip16: 65536,
      sigma16: 439091,
      countSigma16: null,
      fineExponent: -9,
      wireMultiple: 857,
      wireShift: 0,
      sensitivity: 512 + 3,
    });
    expect(fineStep(demo)).toBe(1 / 512);
    expect(wireStep(demo)).toBe(857 / 512); // σC/4 is 857.6 fine steps
  });

  it('gives both steps one size on public data, 1/1024 of C or less', () => {
    expect(createGrid({ dimension: 9, clip16: 65536, sigma16: 0 })).toMatchObject({
      fineExponent: -10,
      wireMultiple: 1,
      wireShift: 0,
    });
    expect(createGrid({ dimension: 1000, clip16: 65536, sigma16: 0 })).toMatchObject({
      fineExponent: -12,
      wireMultiple: 1,
      wireShift: 0,
    });
  });

  it('takes the largest steps within the bounds, for all parameters', () => {
    fc.assert(
      fc.property(params(), (input) => {
        const grid = createGrid(input);
        const [c, sigma] = [input.clip16 / 65536, input.sigma16 / 65536];
        const parts = 100 * Math.sqrt(input.dimension);
        // A relative 1e-12 covers the doubles of this check; the grid itself is exact.
        const fineBound = c / (sigma === 0 ? Math.max(1024, parts) : parts);
        expect(fineStep(grid)).toBeLessThanOrEqual(fineBound * (1 + 1e-12));
        expect(2 * fineStep(grid)).toBeGreaterThan(fineBound * (1 - 1e-12));
        expect(wireStep(grid)).toBe(fineStep(grid) * wireSteps(grid));
        expect(wireSteps(grid)).toBe(grid.wireMultiple * 2 ** grid.wireShift);
        expect(grid.wireMultiple).toBeLessThan(1024);
        const aim = (sigma * c) / 4 / fineStep(grid);
        if (wireSteps(grid) > 1) expect(wireSteps(grid)).toBeLessThanOrEqual(aim * (1 + 1e-12));
        expect(wireSteps(grid)).toBeGreaterThan((aim - 1) * (1 - 1 / 512));
        const sensitivity = c / fineStep(grid) + Math.sqrt(input.dimension);
        expect(grid.sensitivity).toBeGreaterThanOrEqual(sensitivity * (1 - 1e-12));
        expect(grid.sensitivity).toBeLessThan(sensitivity + 2);
      }),
    );
  });

  it.each([3, 5.1, 6.7, 8, 12])('spends at most 4.16 bits on an entry of noise, σ = %d', (sigma) => {
    const grid = createGrid({ dimension: 5_000, clip16: 65536, sigma16: Math.round(sigma * 65536) });
    const noise = addNoise(new Float64Array(5_000), grid, drbg(utf8ToBytes('bits')));
    expect((8 * encodeUpdate(toWire(noise, grid), grid).length) / 5_000).toBeLessThanOrEqual(4.16);
  });

  it.each([
    { dimension: 0, clip16: 1, sigma16: 0 },
    { dimension: 2 ** 22 + 1, clip16: 1, sigma16: 0 },
    { dimension: 1.5, clip16: 1, sigma16: 0 },
    { dimension: 1, clip16: 0, sigma16: 0 },
    { dimension: 1, clip16: 2 ** 31, sigma16: 0 },
    { dimension: 1, clip16: 1, sigma16: -1 },
    { dimension: 1, clip16: 1, sigma16: 2 ** 31 },
  ])('refuses %j', (input) => {
    expect(() => createGrid(input)).toThrow(/out of range/);
  });
});

describe('roundToFine', () => {
  const values = () =>
    fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 9, maxLength: 9 });

  it('errs by at most half a fine step', () => {
    fc.assert(
      fc.property(values(), (list) => {
        const fine = roundToFine(Float64Array.from(list), demo);
        list.forEach((value, i) => {
          expect(Number.isSafeInteger(fine[i])).toBe(true);
          expect(Math.abs(fine[i]! - value * 512)).toBeLessThanOrEqual(0.5);
          expect(Object.is(fine[i], -0)).toBe(false);
        });
      }),
    );
  });

  it('leaves dyadic numbers and their sums as they are', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.integer(), { minLength: 9, maxLength: 9 })), (updates) => {
        const points = updates.map((update) => Float64Array.from(update, (k) => k / 512));
        const sum = new Float64Array(9);
        const fineSum = new Float64Array(9);
        for (const point of points) {
          roundToFine(point, demo).forEach((k, i) => {
            fineSum[i]! += k;
          });
          point.forEach((x, i) => {
            sum[i]! += x;
          });
        }
        expect([...fineSum].map((k) => k * fineStep(demo))).toEqual([...sum]);
      }),
    );
  });

  it('takes ties to the even neighbour', () => {
    const ties = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.25, -0.25, 3];
    expect([
      ...roundToFine(
        Float64Array.from(ties, (x) => x / 512),
        demo,
      ),
    ]).toEqual([0, 2, 2, 0, -2, -2, 0, 0, 3]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, 1e300])('asserts on %d', (bad) => {
    expect(() => roundToFine(new Float64Array(9).fill(bad), demo)).toThrow(/off the fine lattice/);
  });

  it('asserts on a wrong length', () => {
    expect(() => roundToFine(new Float64Array(8), demo)).toThrow(/length/);
  });
});

describe('addNoise', () => {
  it('adds whole numbers of the stated variance to each entry on its own', () => {
    const random = drbg(utf8ToBytes('noise'));
    const grid = createGrid({ dimension: 20_000, clip16: 65536, sigma16: 3 * 65536 });
    const fine = new Float64Array(grid.dimension).map((_, i) => i);
    const noise = addNoise(fine, grid, random).map((x, i) => x - i);
    expect(noise.every(Number.isSafeInteger)).toBe(true);
    const deviation = 3 * grid.sensitivity;
    const variance = noise.reduce((sum, x) => sum + x * x, 0) / noise.length;
    const tolerance = 5 * Math.sqrt(2 / noise.length);
    expect(Math.abs(variance / deviation ** 2 - 1)).toBeLessThan(tolerance);
    const neighbours = noise.slice(1).reduce((sum, x, i) => sum + x * noise[i]!, 0) / noise.length;
    expect(Math.abs(neighbours / deviation ** 2)).toBeLessThan(tolerance);
  });

  it('adds none to public data and touches no source', () => {
    const grid = createGrid({ dimension: 3, clip16: 65536, sigma16: 0 });
    const fine = Float64Array.of(1, -2, 3);
    const same = addNoise(fine, grid, () => {
      throw new Error('asked for randomness');
    });
    expect([...same]).toEqual([1, -2, 3]);
    expect(same).not.toBe(fine);
  });
});

describe('toWire', () => {
  it('errs by at most half a wire step, ties to the even neighbour', () => {
    const integers = fc.array(fc.integer({ min: -(2 ** 38), max: 2 ** 38 }), { minLength: 9, maxLength: 9 });
    fc.assert(
      fc.property(integers, fc.constantFrom(demo, even), (list, grid) => {
        const steps = wireSteps(grid);
        const wire = toWire(Float64Array.from(list), grid);
        list.forEach((k, i) => {
          const twice = 2 * Math.abs(wire[i]! * steps - k);
          expect(twice).toBeLessThanOrEqual(steps);
          if (twice === steps) expect(Math.abs(wire[i]!) % 2).toBe(0);
          expect(Object.is(wire[i], -0)).toBe(false);
        });
      }),
    );
    const ties = [256, 768, -256, -768, 255, 257, -255, -257, 0];
    expect([...toWire(Float64Array.from(ties), even)]).toEqual([0, 2, 0, -2, 0, 1, 0, -1, 0]);
  });

  it('stops at the ends of the wire', () => {
    const far = 2 ** 45;
    expect([...toWire(Float64Array.of(far, -far, 0, 0, 0, 0, 0, 0, 0), demo)].slice(0, 2)).toEqual([
      WIRE_MAX,
      -WIRE_MAX,
    ]);
  });

  it('asserts on what is no fine point', () => {
    expect(() => toWire(new Float64Array(9).fill(0.5), demo)).toThrow(/no fine point/);
  });
});

describe('normCapSquared', () => {
  const floatCap = (grid: Grid, units: number) => {
    const root = Math.sqrt(grid.dimension);
    const [c, sigma, g] = [grid.clip16 / 65536, grid.sigma16 / 65536, fineStep(grid)];
    const noise = sigma * grid.sensitivity * g * (root + Math.sqrt(80 * Math.LN2));
    return ((units * c + noise + ((wireStep(grid) + g) / 2) * root) / wireStep(grid)) ** 2;
  };

  it('is the stated bound, rounded up', () => {
    fc.assert(
      fc.property(params(), fc.integer({ min: 1, max: 10_000 }), (input, units) => {
        const grid = createGrid(input);
        const [exact, float] = [Number(normCapSquared(grid, units)), floatCap(grid, units)];
        expect(exact).toBeGreaterThanOrEqual(float * (1 - 1e-12));
        expect(exact).toBeLessThanOrEqual(float * (1 + 1e-4) + 1);
      }),
    );
  });

  it('never refuses an honest update at the bound', () => {
    const random = drbg(utf8ToBytes('norm cap'));
    const grids = [
      demo,
      createGrid({ dimension: 9, clip16: 65536, sigma16: 0 }),
      createGrid({ dimension: 31, clip16: 3 * 65536, sigma16: 655 }),
      createGrid({ dimension: 1, clip16: 100, sigma16: 70000 }),
    ];
    for (const grid of grids) {
      for (let draw = 0; draw < 400; draw++) {
        const units = 1 + (draw % 40);
        const length = (units * grid.clip16) / 65536;
        const sum = Float64Array.from(direction(grid.dimension, random), (x) => x * length);
        const wire = toWire(addNoise(roundToFine(sum, grid), grid, random), grid);
        const norm = [...wire].reduce((total, k) => total + BigInt(k) ** 2n, 0n);
        expect(norm <= normCapSquared(grid, units)).toBe(true);
      }
    }
  });

  it('leaves room for rounding: a longest update that rounds up everywhere passes without noise', () => {
    // All entries just above half a step: the norm grows by rounding alone.
    const grid = createGrid({ dimension: 10_000, clip16: 65536, sigma16: 0 });
    const each = (1 / Math.sqrt(10_000)) * (1 - 1e-9);
    const wire = toWire(roundToFine(new Float64Array(10_000).fill(each), grid), grid);
    const norm = [...wire].reduce((total, k) => total + BigInt(k) ** 2n, 0n);
    const bare = BigInt(Math.floor(1 / wireStep(grid))) ** 2n;
    expect(norm > bare).toBe(true);
    expect(norm <= normCapSquared(grid, 1)).toBe(true);
  });
});
