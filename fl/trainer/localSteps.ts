import type { RandomBytes } from '../../crypto/index.js';
import {
  addNoise,
  createGrid,
  drawnUnits,
  fineStep,
  type Grid,
  type GridParams,
  type LocalPlace,
  type LocalWork,
  localSteps,
  noiseCount,
  parameterCount,
  roundGrid,
  roundToFine,
  toWire,
} from '../index.js';
import { gradientSum } from './gradientSum.js';
import { type Batch, unitsOf } from './job.js';
import { drawSample } from './sample.js';

export interface LocalRun {
  /** What travels, on the wire lattice of `grid`. */
  readonly wire: Int32Array;
  /** That of `roundGrid`. */
  readonly grid: Grid;
  /** Of the first step, noised; null where the grid has none. */
  readonly signedCount: number | null;
  /** Of the first step. Without noise: never to be sent. */
  readonly loss: number;
  readonly clippedShare: number;
}

/**
 * A round's local steps: each sums the clipped gradients of all records, rounds to the fine lattice, adds its own
 * discrete Gaussian noise, and only then moves the weights. So the device's next step sees its records through noise
 * alone, and the round is `steps` accounted releases composed, however the weights are used.
 *
 * Shape: `control` holds SCAFFOLD's variates or null. The sum of the steps' noised sums (shrunk as the step says)
 * travels, rounded to the round's grid: post-processing.
 * A step whose weights leave the numbers stops there: the rest of the round adds nothing.
 * Fails as gradientSum does (TrainerError). Cost: `steps` times that of one step.
 */
export function takeLocalSteps(
  batch: Batch,
  { clip16, sigma16, countSigma16 = null }: Omit<GridParams, 'dimension'>,
  work: LocalWork,
  control: LocalPlace['control'],
  random: RandomBytes,
): LocalRun {
  const dimension = parameterCount(batch.model);
  const params = { dimension, clip16, sigma16, countSigma16 };
  const inner = createGrid(params);
  const rule = localSteps[work.step];
  const decay = rule.decay(work);
  const rate = work.learningRate16 / 65_536;
  const units = unitsOf(batch);
  // Public: how many were really drawn is nobody's business.
  const drawn = drawnUnits(units, work);
  const travels = new Float64Array(dimension);
  let weights = batch.weights;
  let first: Pick<LocalRun, 'loss' | 'clippedShare' | 'signedCount'> | null = null;
  for (let step = 0; step < work.steps && weights.every(Number.isFinite); step++) {
    const sample = drawSample(units, work.rate32, random);
    const { sum, loss, clippedShare, signedCount } = gradientSum(
      { ...batch, weights },
      clip16,
      random,
      sample,
    );
    first ??= {
      loss,
      clippedShare,
      signedCount: countSigma16 === null ? null : noiseCount(signedCount, inner, random),
    };
    const noised = addNoise(roundToFine(sum, inner), inner, random);
    const place = { start: batch.weights, weights, control };
    const next = new Float32Array(dimension);
    for (let index = 0; index < dimension; index++) {
      const gradient = noised[index]! * fineStep(inner);
      travels[index] = decay * travels[index]! + gradient;
      next[index] = weights[index]! - rate * (gradient / drawn + rule.pull(place, index, work));
    }
    weights = next;
  }
  const grid = roundGrid(params, work);
  return { wire: toWire(roundToFine(travels, grid), grid), grid, ...first! };
}
