import { strict as assert } from 'node:assert';
import { wireStep } from '../grid/index.js';
import { ascending } from './order.js';
import type { AggregationRule } from './rule.js';

/** One device in five is left out at either end of each coordinate. */
const TRIMMED_EACH_SIDE = 5;

/**
 * Coordinate-wise trimmed mean: of the devices' means u_k / N_k the ⌊n / 5⌋ smallest and largest are left out, the
 * mean over units of the others is Σ u_k / ΣN_k · Δ. Below 5 devices it is the plain mean.
 *
 * Compared exactly, equal ones in the order of the devices; one division and one exact multiplication an entry.
 * Cost: O(d n log n).
 * Source: Yin et al. 2018, arXiv:1803.01498.
 */
export const trimmedMean: AggregationRule = {
  name: 'trimmed-mean',
  remembers: false,
  aggregate: (updates, grid) => {
    assert.ok(updates.length > 0, 'a mean of at least one update');
    const step = wireStep(grid);
    const trimmed = Math.floor(updates.length / TRIMMED_EACH_SIDE);
    return Float64Array.from({ length: grid.dimension }, (_, index) => {
      const kept = ascending(updates, index).slice(trimmed, updates.length - trimmed);
      let sum = 0;
      let units = 0;
      for (const fraction of kept) {
        sum += fraction.sum;
        units += fraction.units;
      }
      return (sum / units) * step;
    });
  },
};
