import type { RandomBytes } from '../../crypto/index.js';
import {
  addNoise,
  encodeUpdate,
  noiseCount,
  oneStep,
  parameterCount,
  roundToFine,
  toWire,
} from '../index.js';
import { TrainerError } from './error.js';
import { gradientSum } from './gradientSum.js';
import type { TrainJob, TrainResult } from './job.js';
import { takeLocalSteps } from './localSteps.js';
import { takeWholeUpdate } from './wholeUpdate.js';

/**
 * One round's work of one device, in this thread: clipped gradient sum, fine lattice, noise, wire lattice; once, or
 * as often as the task's local work says.
 *
 * random: the noise's source. A device passes the operating system's; a seeded one is for tests alone, since
 *   noise that can be recomputed hides nothing.
 * Only `update` may leave the device. Needs startBackend; fails as gradientSum does.
 */
export function trainStep(job: TrainJob, random: RandomBytes): TrainResult {
  const dimension = parameterCount(job.model);
  if (job.grid.dimension !== dimension)
    throw new TrainerError(
      'bad-job',
      `the grid is for ${job.grid.dimension} numbers, the model has ${dimension}`,
    );
  if (job.whole === true) {
    const { work, control } = job.local ?? { work: oneStep, control: null };
    const { wire, grid, signedCount, ...about } = takeWholeUpdate(job, job.grid, work, control, random);
    return { update: encodeUpdate(wire, grid, signedCount), ...about };
  }
  if (job.local !== undefined) {
    const { wire, grid, signedCount, ...about } = takeLocalSteps(
      job,
      job.grid,
      job.local.work,
      job.local.control,
      random,
    );
    return { update: encodeUpdate(wire, grid, signedCount), ...about };
  }
  const { grid } = job;
  const { sum, loss, clippedShare, signedCount } = gradientSum(job, grid.clip16, random);
  const noised = addNoise(roundToFine(sum, grid), grid, random);
  const count = grid.countSigma16 === null ? null : noiseCount(signedCount, grid, random);
  return { update: encodeUpdate(toWire(noised, grid), grid, count), loss, clippedShare };
}
