import { strict as assert } from 'node:assert';
import { wireStep } from '../grid/index.js';
import { distanceTo } from './distance.js';
import type { AggregationRule } from './rule.js';

const STEPS = 5;

/**
 * Centred clipping: from the last round's result v, v ← v + 1/n Σ (x_k - v) · min(1, τ / ‖x_k - v‖), where x_k is
 * the device's mean u_k / N_k and each device counts once.
 *
 * Whatever a faulty device sends, it moves the result by at most τ/n a step.
 * Deviation from the paper, where τ is a constant to be tuned: here τ is the (lower) median of the distances from
 * v, new in each step, so that the rule needs no parameter and more than half of the devices bound it. Before the
 * first round v is zero.
 * + - × ÷ and sqrt in float64 in the order of the devices: the same bits on every engine. Cost: O(n d) a step.
 * Source: Karimireddy et al. 2021, arXiv:2012.10333, section 5.
 */
export const centredClipping: AggregationRule = {
  name: 'centred-clipping',
  remembers: true,
  aggregate: (updates, grid, before) => {
    assert.ok(updates.length > 0, 'a mean of at least one update');
    const step = wireStep(grid);
    let centre = before ?? new Float64Array(grid.dimension);
    for (let turn = 0; turn < STEPS; turn++) {
      const distances = updates.map((update) => distanceTo(update, centre, step));
      const radius = [...distances].sort((a, b) => a - b)[(distances.length - 1) >> 1]!;
      const moves = new Float64Array(centre.length);
      for (const [at, { wire, units }] of updates.entries()) {
        const factor = distances[at]! <= radius ? 1 : radius / distances[at]!;
        for (let index = 0; index < moves.length; index++)
          moves[index]! += factor * ((wire[index]! / units) * step - centre[index]!);
      }
      centre = centre.map((entry, index) => entry + moves[index]! / updates.length);
    }
    return centre;
  },
};
