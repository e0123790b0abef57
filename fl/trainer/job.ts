import {
  checkModel,
  classCount,
  type Grid,
  type LocalPlace,
  type LocalWork,
  type ModelSpec,
  parameterCount,
} from '../index.js';
import { TrainerError } from './error.js';

/** Most records of one job: a device enrols with at most so many. */
export const RECORDS_MAX = 10_000;

/** What a model is trained on. weights: flat, in the order of tensorShapes. */
export interface Batch {
  readonly model: ModelSpec;
  readonly weights: Float32Array;
  /** [rows][model.inputs], row-major. */
  readonly x: Float32Array;
  /** [rows], each a class, from 0. */
  readonly y: Float32Array;
  /** What a row of each class weighs, each above 0; 1 if not given. */
  readonly classWeights?: readonly number[];
  /** [rows], whose each row is, ascending from 0 without gaps: gradients are then clipped person by person. */
  readonly persons?: Int32Array;
}

/** One device's work in a round: the clip and noise of each step are in the grid. */
export interface TrainJob extends Batch {
  readonly grid: Grid;
  /** Several steps; left out: one, whose noised sum travels. */
  readonly local?: { readonly work: LocalWork; readonly control: LocalPlace['control'] };
  /** The whole update is clipped and noised once: unit `device`. Left out: each record, or each person, in each step. */
  readonly whole?: boolean;
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
export function checkBatch({ model, weights, x, y, classWeights, persons }: Batch, recordsMax: number): void {
  const problem = checkModel(model);
  if (problem !== null) throw new TrainerError('bad-job', problem);
  if (weights.length !== parameterCount(model))
    throw new TrainerError('bad-job', `${weights.length} weights, the model has ${parameterCount(model)}`);
  if (y.length === 0 || y.length > recordsMax)
    throw new TrainerError('bad-job', `${y.length} rows, a job has 1 to ${recordsMax}`);
  if (x.length !== y.length * model.inputs)
    throw new TrainerError('bad-job', `${x.length} inputs for ${y.length} rows of ${model.inputs}`);
  const classes = classCount(model);
  if (!y.every((label) => Number.isInteger(label) && label >= 0 && label < classes))
    throw new TrainerError('bad-job', `a label is none of the classes 0 to ${classes - 1}`);
  if (classWeights !== undefined && (classWeights.length !== classes || !classWeights.every(isWeight)))
    throw new TrainerError('bad-job', 'a weight above 0 for each class, or none at all');
  if (persons !== undefined && !areSideBySide(persons, y.length))
    throw new TrainerError('bad-job', 'persons are counted from 0, one a row, each one’s rows side by side');
  if (!areFinite(weights)) throw new TrainerError('not-finite', 'a weight is not finite');
  if (!areFinite(x)) throw new TrainerError('not-finite', 'an input is not finite');
}

/** As `every` with Number.isFinite, which takes ten times as long. */
function areFinite(values: Float32Array): boolean {
  let sum = 0; // of zeros, or of what is no number
  for (let at = 0; at < values.length; at++) sum += values[at]! - values[at]!;
  return sum === 0;
}

function areSideBySide(persons: Int32Array, rows: number): boolean {
  return (
    persons.length === rows &&
    persons[0] === 0 &&
    persons.every(
      (person, row) => row === 0 || person === persons[row - 1] || person === persons[row - 1]! + 1,
    )
  );
}

/** Units of a batch: its persons where it names them, else its records. */
export function unitsOf({ y, persons }: Batch): number {
  return persons === undefined ? y.length : persons.at(-1)! + 1;
}

function isWeight(weight: number): boolean {
  return weight > 0 && Number.isFinite(weight);
}
