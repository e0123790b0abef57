import { type Grid, normCapSquared, roundToFine, toWire, wireStep } from '../grid/index.js';
import { squaredNorm } from '../robust/index.js';

/** The mean update of a device in real units per unit, from what travels. */
export function meanOfWire(wire: Int32Array, units: number, grid: Grid): Float64Array {
  const scale = wireStep(grid) / units;
  const mean = new Float64Array(wire.length);
  for (let at = 0; at < mean.length; at++) mean[at] = wire[at]! * scale;
  return mean;
}

/**
 * A crafted mean update as it travels: times the units, shortened to the norm cap where it is longer (else it would
 * be refused on sight), rounded to the wire. An attacker adds no noise: it has nothing to hide.
 */
export function craftedWire(mean: Float64Array, units: number, grid: Grid): Int32Array {
  const cap = Number(normCapSquared(grid, units));
  const step = wireStep(grid);
  const squared = mean.reduce((sum, entry) => sum + ((entry * units) / step) ** 2, 0);
  // Rounding moves each entry by half a step at most.
  const room = Math.max(0, Math.sqrt(cap) - Math.sqrt(mean.length) / 2 - 1);
  const factor = squared <= room * room ? 1 : room / Math.sqrt(squared);
  const wire = toWire(
    roundToFine(
      mean.map((entry) => entry * units * factor),
      grid,
    ),
    grid,
  );
  return squaredNorm(wire) <= normCapSquared(grid, units) ? wire : new Int32Array(mean.length);
}
