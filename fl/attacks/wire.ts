import type { RandomBytes } from '../../crypto/index.js';
import { type Grid, normCapSquared, roundToFine, toWire, wireStep, wireSteps } from '../grid/index.js';
import { squaredNorm } from '../robust/index.js';
import { normalDraws } from './normal.js';

/** The mean update of a device in real units per unit, from what travels. */
export function meanOfWire(wire: Int32Array, units: number, grid: Grid): Float64Array {
  const scale = wireStep(grid) / units;
  const mean = new Float64Array(wire.length);
  for (let at = 0; at < mean.length; at++) mean[at] = wire[at]! * scale;
  return mean;
}

/**
 * A crafted mean update as it travels: times the units, shortened to the norm cap where it is longer, with noise where
 * it is shorter than the noise of an honest one, and rounded to the wire. Else it would be refused on sight.
 */
export function craftedWire(mean: Float64Array, units: number, grid: Grid, random: RandomBytes): Int32Array {
  const cap = Number(normCapSquared(grid, units));
  const step = wireStep(grid);
  const squared = mean.reduce((sum, entry) => sum + ((entry * units) / step) ** 2, 0);
  // Rounding moves each entry by half a step at most.
  const room = Math.max(0, Math.sqrt(cap) - Math.sqrt(mean.length) / 2 - 1);
  const factor = squared <= room * room ? 1 : room / Math.sqrt(squared);
  const missing = Math.max(0, noiseVariance(grid) - (squared * factor * factor) / mean.length);
  const disguise = step * Math.sqrt(missing);
  const draws = disguise === 0 ? new Float64Array(mean.length) : normalDraws(mean.length, random);
  const wire = toWire(
    roundToFine(
      mean.map((entry, at) => entry * units * factor + disguise * draws[at]!),
      grid,
    ),
    grid,
  );
  return squaredNorm(wire) <= normCapSquared(grid, units) ? wire : new Int32Array(mean.length);
}

/** Of an entry of honest noise, in wire steps squared. */
function noiseVariance(grid: Grid): number {
  return ((grid.sigma16 / 65_536) * (grid.sensitivity / wireSteps(grid))) ** 2;
}
