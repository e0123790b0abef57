import { strict as assert } from 'node:assert';
import { powerOfTwo, wireStep } from '../grid/index.js';
import { distanceTo } from './distance.js';
import { mean } from './mean.js';
import type { AggregationRule } from './rule.js';

/** Weiszfeld steps: the paper takes 3 for its results; a tenth brings less than a hundredth of the way. */
const STEPS = 10;
/** Distances below 2⁻²⁰ wire steps count as that. */
const SMOOTHING_BITS = -20;

/**
 * Geometric median of the devices' means u_k / N_k, weighed by units: smoothed Weiszfeld steps from the mean,
 * z ← Σ b_k u_k/N_k / Σ b_k with b_k = (N_k / ΣN) / max(ν, ‖z - u_k/N_k‖).
 *
 * Robust while devices with less than half of the units are faulty. A fixed number of steps, sums in the order of
 * the devices, + - × ÷ and sqrt in float64: the same bits on every engine.
 * Cost: O(n d) a step, without a copy of the updates.
 * Source: Pillutla et al. 2022 (RFA), arXiv:1912.13445, algorithm 2.
 */
export const geometricMedian: AggregationRule = {
  name: 'geometric-median',
  remembers: false,
  aggregate: (updates, grid) => {
    assert.ok(updates.length > 0, 'a median of at least one update');
    const step = wireStep(grid);
    const smoothing = step * powerOfTwo(SMOOTHING_BITS);
    const units = updates.reduce((sum, update) => sum + update.units, 0);
    let point = mean.aggregate(updates, grid, null);
    for (let turn = 0; turn < STEPS; turn++) {
      const next = new Float64Array(point.length);
      let total = 0;
      for (const update of updates) {
        const weight = update.units / units / Math.max(smoothing, distanceTo(update, point, step));
        total += weight;
        for (let index = 0; index < next.length; index++)
          next[index]! += weight * ((update.wire[index]! / update.units) * step);
      }
      point = next.map((sum) => sum / total);
    }
    return point;
  },
};
