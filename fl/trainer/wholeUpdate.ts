import type { RandomBytes } from '../../crypto/index.js';
import {
  addNoise,
  clipWhole,
  type Grid,
  type LocalPlace,
  type LocalWork,
  localSteps,
  noiseCount,
  parameterCount,
  roundToFine,
  toWire,
} from '../index.js';
import { plainSum } from './descend.js';
import { type Batch, checkBatch, RECORDS_MAX } from './job.js';
import type { LocalRun } from './localSteps.js';

/**
 * A round under the unit `device`: plain steps over all records, then the whole update, the sum of the steps' mean
 * gradients (shrunk as the step says), is clipped to C and noised once. What happens inside needs no noise, since
 * whatever comes out is bounded and noised as a whole; nothing of it leaves the device otherwise.
 *
 * A step whose weights leave the numbers stops there. Fails as gradientSum does (TrainerError).
 * Source: Chang, Fang, Sun 2021, equation 7; McMahan et al. 2018, arXiv:1710.06963, with noise on each device.
 */
export function takeWholeUpdate(
  batch: Batch,
  grid: Grid,
  work: LocalWork,
  control: LocalPlace['control'],
  random: RandomBytes,
): LocalRun {
  checkBatch(batch, RECORDS_MAX);
  const rule = localSteps[work.step];
  const decay = rule.decay(work);
  const rate = work.learningRate16 / 65_536;
  const travels = new Float64Array(parameterCount(batch.model));
  let weights = batch.weights;
  let loss: number | null = null;
  for (let step = 0; step < work.steps && weights.every(Number.isFinite); step++) {
    const plain = plainSum({ ...batch, weights }, random);
    loss ??= plain.loss;
    const place = { start: batch.weights, weights, control };
    const next = new Float32Array(travels.length);
    for (let index = 0; index < next.length; index++) {
      const gradient = plain.sum[index]! / batch.y.length;
      travels[index] = decay * travels[index]! + gradient;
      next[index] = weights[index]! - rate * (gradient + rule.pull(place, index, work));
    }
    weights = next;
  }
  const { vector, clipped } = clipWhole(travels, grid.clip16);
  const wire = toWire(addNoise(roundToFine(vector, grid), grid, random), grid);
  const signedCount = grid.countSigma16 === null ? null : noiseCount(clipped ? -1 : 1, grid, random);
  return { wire, grid, signedCount, loss: loss ?? 0, clippedShare: clipped ? 1 : 0 };
}
