import { describe, expect, it } from 'vitest';
import { drbg, utf8ToBytes } from '../../../../crypto/index.js';
import { addNoise, createGrid, energyFloorSquared, squaredNorm, toWire } from '../../../../fl/index.js';

const gridOf = (dimension: number, sigma: number, clip16 = 65_536) =>
  createGrid({ dimension, clip16, sigma16: Math.round(sigma * 65_536) });

/** Probabilities of an entry of noise alone, of deviation 4 wire steps of `fine` fine steps each. */
function entries(fine: number): Map<number, number> {
  const masses = new Map<number, number>();
  let total = 0;
  for (let x = -56 * fine; x <= 56 * fine; x++) {
    const mass = Math.exp((-x * x) / (32 * fine * fine));
    const floor = Math.floor(x / fine);
    const above = x / fine - floor;
    const nearest = above < 0.5 || (above === 0.5 && floor % 2 === 0) ? floor : floor + 1;
    masses.set(nearest, (masses.get(nearest) ?? 0) + mass);
    total += mass;
  }
  return new Map([...masses].map(([entry, mass]) => [entry, mass / total]));
}

describe('the least energy of an update', () => {
  it('is what Chernoff’s bound gives, for the worst of many wire steps', () => {
    const laws = [16, 17, 18, 19, 20, 22, 24, 28, 32, 40, 64, 100, 256].map(entries);
    const moment = (law: Map<number, number>, lambda: number) =>
      [...law].reduce((sum, [entry, mass]) => sum + mass * Math.exp(-lambda * entry * entry), 0);
    const exponents = Array.from({ length: 16 }, (_, index) => {
      const lambda = 2 / 2 ** index;
      return { lambda, exponent: -Math.log(Math.max(...laws.map((law) => moment(law, lambda)))) };
    });
    for (const dimension of [1, 7, 9, 31, 100, 1_000, 100_000, 2 ** 22]) {
      const bounds = exponents.map(({ lambda, exponent }) => (dimension * exponent - 20 * Math.LN2) / lambda);
      const most = Math.max(...bounds);
      const floor = Number(energyFloorSquared(gridOf(dimension, 6.7)));
      expect(Math.abs(floor - (most < 0 ? 0 : Math.floor(most) + 1))).toBeLessThanOrEqual(1e-9 * floor);
    }
  });

  it('lets honest noise pass, with nothing to hide under it, and catches what has none', () => {
    for (const [dimension, tries] of [
      [9, 1_000],
      [31, 300],
      [1_000, 10],
    ] as const) {
      const grid = gridOf(dimension, 6.7);
      const floor = energyFloorSquared(grid);
      expect(floor > 0n).toBe(true);
      const random = drbg(utf8ToBytes(`energy ${dimension}`));
      const zero = new Float64Array(dimension);
      for (let i = 0; i < tries; i++)
        expect(squaredNorm(toWire(addNoise(zero, grid, random), grid)) >= floor).toBe(true);
      expect(squaredNorm(toWire(zero, grid)) < floor).toBe(true);
    }
    // At a thousand parameters also who adds three quarters of the noise that was declared.
    const grid = gridOf(1_000, 6.7);
    const random = drbg(utf8ToBytes('too little'));
    const wires = Array.from({ length: 8 }, () =>
      toWire(addNoise(new Float64Array(1_000), { ...grid, sigma16: 5 * 65_536 }, random), grid),
    );
    expect(wires.filter((wire) => squaredNorm(wire) < energyFloorSquared(grid)).length).toBe(8);
  });

  it('asks for nothing where there is no noise, or next to none', () => {
    for (const sigma of [0, 2 ** -16, 0.01]) expect(energyFloorSquared(gridOf(1_000, sigma))).toBe(0n);
    expect(energyFloorSquared(gridOf(1_000, 1))).toBeGreaterThan(0n);
    expect(energyFloorSquared(gridOf(7, 6.7))).toBeLessThanOrEqual(1n);
  });
});
