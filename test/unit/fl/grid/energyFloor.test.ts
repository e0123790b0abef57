import { describe, expect, it } from 'vitest';
import { drbg, utf8ToBytes } from '../../../../crypto/index.js';
import {
  addNoise,
  createGrid,
  energyFloorSquared,
  squaredNorm,
  toWire,
  wireStep,
} from '../../../../fl/index.js';

const gridOf = (dimension: number, sigma: number, clip16 = 65_536) =>
  createGrid({ dimension, clip16, sigma16: Math.round(sigma * 65_536) });

/** log₂ of the bound on what honest noise has at most this share of its energy. */
const chance = (share: number, dimension: number) => (dimension / 2) * Math.log2(share * Math.exp(1 - share));

describe('the least energy of an update', () => {
  it.each([31, 100, 1_000, 100_000])('is the formula, with %i parameters', (dimension) => {
    for (const clip16 of [65_536, 50_000, 3]) {
      const grid = gridOf(dimension, 6.7, clip16);
      const deviation = (6.7 * grid.sensitivity * 2 ** grid.fineExponent) / wireStep(grid);
      const root = (Math.sqrt(Number(energyFloorSquared(grid)) / dimension) + 0.5) / deviation;
      // The share that follows from the floor stands at the level: 2^-20, and not far below.
      expect(chance(root * root, dimension)).toBeLessThanOrEqual(-19.9);
      expect(chance(root * root, dimension)).toBeGreaterThan(-24);
    }
  });

  it('lets honest noise pass, with nothing to hide under it, and catches what has none', () => {
    for (const [dimension, tries] of [
      [16, 1_000],
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
    // At a thousand parameters also who adds two thirds of the noise that was declared.
    const [grid, less] = [gridOf(1_000, 6.7), gridOf(1_000, 4.5)];
    const random = drbg(utf8ToBytes('too little'));
    const wires = Array.from({ length: 8 }, () =>
      toWire(addNoise(new Float64Array(1_000), { ...grid, sigma16: less.sigma16 }, random), grid),
    );
    expect(wires.filter((wire) => squaredNorm(wire) < energyFloorSquared(grid)).length).toBe(8);
  });

  it('asks for nothing where there is no noise, or next to none', () => {
    expect(energyFloorSquared(gridOf(1_000, 0))).toBe(0n);
    expect(energyFloorSquared(gridOf(3, 2 ** -16))).toBe(0n);
    // At nine parameters half a step of rounding is as much as may be missing.
    for (const few of [1, 9]) expect(energyFloorSquared(gridOf(few, 6.7))).toBe(0n);
  });
});
