import type { RandomBytes } from '../../crypto/index.js';
import { backpropagate } from './backpropagate.js';
import { addWeighted } from './clip.js';
import { TrainerError } from './error.js';
import { passes } from './gradientSum.js';
import { type Batch, checkBatch, type DescendJob } from './job.js';

/** Bounds of the baseline: it holds a whole table and runs on one thread. */
export const DESCEND_ROWS_MAX = 200_000;
export const DESCEND_STEPS_MAX = 100_000;

/** Sums are kept in whole units, as in gradientSum; this one is far below a float32's last digit. */
const SUM_UNIT = 2 ** -40;

/**
 * Full-batch gradient descent, without clipping or noise: what the same model reaches if one place holds all
 * records. Returns the new weights; deterministic on one machine (no shuffle, no randomness).
 *
 * weights ← weights - learningRate · mean gradient, `steps` times; gradients summed in float64, weights float32.
 * Fails: TrainerError "bad-job", "not-finite" (the rate is too large and the weights have left the numbers).
 */
export function descend(job: DescendJob): Float32Array {
  checkBatch(job, DESCEND_ROWS_MAX);
  if (!Number.isSafeInteger(job.steps) || job.steps < 0 || job.steps > DESCEND_STEPS_MAX)
    throw new TrainerError('bad-job', `${job.steps} steps, at most ${DESCEND_STEPS_MAX}`);
  if (!(job.learningRate > 0 && Number.isFinite(job.learningRate)))
    throw new TrainerError('bad-job', 'the learning rate must be above 0');
  let weights = job.weights;
  for (let done = 0; done < job.steps; done++) {
    const { sum } = plainSum({ ...job, weights });
    const rate = job.learningRate / job.y.length;
    weights = weights.map((weight, index) => weight - rate * sum[index]!);
    if (!weights.every(Number.isFinite))
      throw new TrainerError(
        'not-finite',
        `the weights overflowed in step ${done + 1}: lower the learning rate`,
      );
  }
  return weights === job.weights ? weights.slice() : weights;
}

/**
 * Sum of the records' gradients as they are, and the mean of their finite losses. random: what dropout draws from; null:
 * nothing is dropped. The batch must have passed checkBatch.
 */
export function plainSum(
  batch: Batch,
  random: RandomBytes | null = null,
): { readonly sum: Float64Array; readonly loss: number } {
  const sum = new Float64Array(batch.weights.length);
  let [loss, finite] = [0, 0];
  for (const part of passes(batch)) {
    const pass = backpropagate(part, random);
    addWeighted(
      pass,
      part.y.map(() => 1),
      SUM_UNIT,
      sum,
    );
    for (const value of pass.losses) {
      if (!Number.isFinite(value)) continue;
      loss += value;
      finite++;
    }
  }
  return { sum, loss: finite === 0 ? 0 : loss / finite };
}
