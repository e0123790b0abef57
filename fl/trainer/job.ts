import {
  checkModel,
  type Grid,
  type LocalPlace,
  type LocalWork,
  type ModelSpec,
  parameterCount,
} from '../index.js';
import { TrainerError } from './error.js';

/** Most records of one job: a device enrols with at most so many (DESIGN.md section 14). */
export const RECORDS_MAX = 10_000;

/** What a model is trained on. weights: flat, layer by layer, kernel [in][out] row-major, then bias. */
export interface Batch {
  readonly model: ModelSpec;
  readonly weights: Float32Array;
  /** [rows][model.inputs], row-major. */
  readonly x: Float32Array;
  /** [rows], each 0 or 1. */
  readonly y: Float32Array;
}

/** One device's work in a round: the clip and noise of each step are in the grid. */
export interface TrainJob extends Batch {
  readonly grid: Grid;
  /** Several steps; left out: one, whose noised sum travels. */
  readonly local?: { readonly work: LocalWork; readonly control: LocalPlace['control'] };
}

export interface TrainResult {
  /** The packed wire sum, noised: what may leave the device. */
  readonly update: Uint8Array;
  /** Mean cross-entropy in nats over the job's rows. Without noise: for the device's owner, never to be sent. */
  readonly loss: number;
  /** Share of the rows whose gradient was longer than C. Without noise: never to be sent. */
  readonly clippedShare: number;
}

/** Plain gradient descent on the whole batch: the baseline that a trusted centre would reach. */
export interface DescendJob extends Batch {
  readonly learningRate: number;
  readonly steps: number;
}

/** Throws TrainerError "bad-job" or "not-finite" unless everything fits and is finite. Cost O(x + weights). */
export function checkBatch({ model, weights, x, y }: Batch, recordsMax: number): void {
  const problem = checkModel(model);
  if (problem !== null) throw new TrainerError('bad-job', problem);
  if (weights.length !== parameterCount(model))
    throw new TrainerError('bad-job', `${weights.length} weights, the model has ${parameterCount(model)}`);
  if (y.length === 0 || y.length > recordsMax)
    throw new TrainerError('bad-job', `${y.length} rows, a job has 1 to ${recordsMax}`);
  if (x.length !== y.length * model.inputs)
    throw new TrainerError('bad-job', `${x.length} inputs for ${y.length} rows of ${model.inputs}`);
  if (!y.every((label) => label === 0 || label === 1))
    throw new TrainerError('bad-job', 'a label is neither 0 nor 1');
  if (!weights.every(Number.isFinite)) throw new TrainerError('not-finite', 'a weight is not finite');
  if (!x.every(Number.isFinite)) throw new TrainerError('not-finite', 'an input is not finite');
}
