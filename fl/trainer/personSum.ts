import type { RandomBytes } from '../../crypto/index.js';
import { backpropagate, type Pass } from './backpropagate.js';
import { addRow, CLIP_SAFETY, sumUnit } from './clip.js';
import type { GradientSum } from './gradientSum.js';
import type { Batch } from './job.js';

/**
 * Sum over persons of the mean gradient of each one's rows, scaled down to length C = clip16 / 2^16 at most.
 *
 * Sensitivity: one person zeroed out moves the sum by a vector of length at most C, for the reasons of `gradientSum`: a
 * person's mean depends on that person's rows alone, is cut toward zero to whole units, and whole units add up exactly.
 * `passes`: the batch in pieces, rows of one person side by side, across a border too. Cost: rows and persons times
 * parameters, and one vector of memory.
 */
export function personSum(
  parts: Iterable<Batch & { readonly persons: Int32Array }>,
  parameters: number,
  clip16: number,
  random: RandomBytes | null,
  sample: Uint8Array | null = null,
): GradientSum {
  const unit = sumUnit(clip16);
  const limit = ((clip16 / 65_536) * CLIP_SAFETY) / unit;
  const sum = new Float64Array(parameters);
  const own = new Float64Array(parameters);
  let [rows, persons, clipped, loss, finite, last] = [0, 0, 0, 0, 0, 0];

  function settle(): void {
    let squared = 0;
    for (const entry of own) squared += (entry / rows) * (entry / rows);
    const norm = Math.sqrt(squared);
    const factor = norm <= limit ? 1 : Number.isFinite(norm) ? limit / norm : 0;
    const counts = sample === null || sample[last] === 1;
    if (counts && factor !== 1) clipped++;
    if (counts && factor !== 0)
      for (let index = 0; index < parameters; index++)
        sum[index]! += Math.trunc(factor * (own[index]! / rows));
    own.fill(0);
    rows = 0;
    if (counts) persons++;
  }

  for (const part of parts) {
    const pass: Pass = backpropagate(part, random);
    for (let row = 0; row < pass.rows; row++) {
      if (part.persons[row] !== last) settle();
      last = part.persons[row]!;
      addRow(pass, row, 1, unit, own);
      rows++;
      if (!Number.isFinite(pass.losses[row])) continue;
      loss += pass.losses[row]!;
      finite++;
    }
  }
  settle();
  for (let index = 0; index < parameters; index++) sum[index]! *= unit;
  return {
    sum,
    loss: finite === 0 ? 0 : loss / finite,
    clippedShare: persons === 0 ? 0 : clipped / persons,
    signedCount: persons - 2 * clipped,
  };
}
