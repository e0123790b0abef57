import type { RoundUpdate } from '../robust/index.js';

/** Distance in real units of the device's mean u / N · step from a point; one sum in the order of the entries. */
export function distanceTo({ wire, units }: RoundUpdate, point: Float64Array, step: number): number {
  let squared = 0;
  for (let index = 0; index < point.length; index++) {
    const difference = (wire[index]! / units) * step - point[index]!;
    squared += difference * difference;
  }
  return Math.sqrt(squared);
}
