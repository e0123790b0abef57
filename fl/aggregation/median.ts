import { strict as assert } from 'node:assert';
import { wireStep } from '../grid/index.js';
import { ascending } from './order.js';
import type { AggregationRule } from './rule.js';

/**
 * Coordinate-wise median of the devices' means u_k / N_k; each device counts once, whatever its units.
 *
 * Compared exactly. An even number of devices gives the mean of the two in the middle, from one exact fraction and
 * one division.
 * Cost: O(d n log n).
 * Source: Yin et al. 2018, arXiv:1803.01498.
 */
export const median: AggregationRule = {
  name: 'median',
  remembers: false,
  aggregate: (updates, grid) => {
    assert.ok(updates.length > 0, 'a median of at least one update');
    const step = wireStep(grid);
    const lower = (updates.length - 1) >> 1;
    const upper = updates.length >> 1;
    return Float64Array.from({ length: grid.dimension }, (_, index) => {
      const sorted = ascending(updates, index);
      const a = sorted[lower]!;
      const b = sorted[upper]!;
      return ((a.sum * b.units + b.sum * a.units) / (2 * a.units * b.units)) * step;
    });
  },
};
