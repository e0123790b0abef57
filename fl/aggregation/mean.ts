import { strict as assert } from 'node:assert';
import { wireStep } from '../grid/index.js';
import type { AggregationRule } from './rule.js';

/**
 * Mean over units: Σ u_k / Σ N_k · Δ. Every record counts alike, whoever holds it.
 *
 * The sum is exact (integers), then one division and one multiplication an entry.
 * Cost: O(n d).
 */
export const mean: AggregationRule = {
  name: 'mean',
  remembers: false,
  aggregate: (updates, grid) => {
    assert.ok(updates.length > 0, 'a mean of at least one update');
    const sums = new Float64Array(grid.dimension);
    let units = 0;
    for (const update of updates) {
      units += update.units;
      for (let index = 0; index < sums.length; index++) sums[index]! += update.wire[index]!;
    }
    const step = wireStep(grid);
    return sums.map((sum) => (sum / units) * step);
  },
};
