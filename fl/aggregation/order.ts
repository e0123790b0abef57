import type { RoundUpdate } from '../robust/index.js';

/** One entry of a device's update with the device's units: the fraction sum / units. */
export interface Fraction {
  readonly sum: number;
  readonly units: number;
}

/**
 * The fractions of one coordinate in ascending order, compared exactly by cross-multiplying (|sum| < 2³¹ and
 * units <= 10⁴, so products stay below 2⁵³). Equal ones keep the order of the devices.
 */
export function ascending(updates: readonly RoundUpdate[], index: number): Fraction[] {
  return updates
    .map(({ wire, units }) => ({ sum: wire[index]!, units }))
    .sort((a, b) => a.sum * b.units - b.sum * a.units);
}
