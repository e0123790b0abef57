import type { RandomBytes } from '../../../crypto/index.js';
import {
  calibrateSampledSigma16,
  createAdam,
  createGrid,
  parameterCount,
  type Release,
  type Synthesis,
  tightestEpsilon,
} from '../../index.js';
import { requireBackend } from '../backend.js';
import { backpropagate } from '../backpropagate.js';
import { TrainerError } from '../error.js';
import { type Batch, checkBatch, RECORDS_MAX } from '../job.js';
import { noisedLot, rowsOf } from './lots.js';

export const LOTS_MAX = 100_000;

/** How a network is trained in lots, and what that may cost. */
export interface Lots {
  /** Chance of each record to be in a lot, in 2^-32; 2^32: always. */
  readonly rate32: number;
  readonly lots: number;
  /** Clipping threshold C, in 2^-16. */
  readonly clip16: number;
  readonly learningRate: number;
}

export interface LotsJob extends Omit<Batch, 'persons'>, Lots {
  /** Of one record, zero-out: ε in 1e-6, δ in 1e-12. */
  readonly epsilonMicro: number;
  readonly deltaPico: number;
}

export interface Trained {
  readonly weights: Float32Array;
  readonly spent: Synthesis['spent'];
  readonly release: Release;
}

/**
 * A network trained by DP-SGD at one place that holds the records: a lot, a noised gradient, a step of Adam, and again.
 * σ is the least at which all lots keep (ε, δ).
 *
 * The weights, and all that led to them, may be published: nothing else of the records left the lots. random: noise and
 * lots; cryptographic for anything that leaves. Needs startBackend.
 * Fails: TrainerError "bad-job", "not-finite", "not-ready". Cost: lots · (the lot's records · parameters), and the noise.
 */
export function trainInLots(job: LotsJob, random: RandomBytes): Trained {
  requireBackend();
  checkBatch(job, RECORDS_MAX);
  checkLots(job);
  const { model, x, y, classWeights, rate32, clip16, learningRate, lots } = job;
  const dimension = parameterCount(model);
  const { sigma16, spent, release } = calibrateLots('network', job);
  const grid = createGrid({ dimension, clip16, sigma16 });
  const weights = job.weights.slice();
  const move = createAdam(dimension, { rate: learningRate });
  const expected = (y.length * rate32) / 2 ** 32;
  for (let lot = 0; lot < lots; lot++) {
    const passOf = (rows: Int32Array) =>
      backpropagate({
        model,
        weights,
        x: rowsOf(x, model.inputs, rows),
        y: rowsOf(y, 1, rows),
        ...(classWeights === undefined ? {} : { classWeights }),
      });
    const sum = noisedLot({ records: y.length, rate32, grid }, passOf, random);
    move(
      weights,
      sum.map((entry) => entry / expected),
    );
    if (!weights.every(Number.isFinite))
      throw new TrainerError(
        'not-finite',
        `the weights overflowed in lot ${lot + 1}: lower the learning rate`,
      );
  }
  return { weights, spent, release };
}

/** Throws TrainerError "bad-job" unless lots, rate, threshold and learning rate are in range. */
export function checkLots({ rate32, lots, clip16, learningRate }: Lots): void {
  const fail = (text: string): never => {
    throw new TrainerError('bad-job', text);
  };
  if (!isWhole(rate32, 1, 2 ** 32)) fail('the share of a lot lies above 0 and is at most 1');
  if (!isWhole(lots, 1, LOTS_MAX)) fail(`${lots} lots, train in 1 to ${LOTS_MAX}`);
  if (!isWhole(clip16, 1, 2 ** 31 - 1)) fail('the clipping threshold is out of range');
  if (!(learningRate > 0 && Number.isFinite(learningRate))) fail('the learning rate must be above 0');
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}

/** The noise of so many lots under a budget, and what they then amount to. Takes seconds where records are sampled. */
export function calibrateLots(
  what: string,
  { rate32, lots, epsilonMicro, deltaPico }: Pick<LotsJob, 'rate32' | 'lots' | 'epsilonMicro' | 'deltaPico'>,
): { readonly sigma16: number } & Pick<Trained, 'spent' | 'release'> {
  const rate = rate32 / 2 ** 32;
  const sigma16 = calibrateSampledSigma16({ epsilonMicro, deltaPico, rate, rounds: lots });
  const [sigma, delta] = [sigma16 / 65_536, deltaPico / 1e12];
  const { epsilon } = tightestEpsilon({ sigma, rate, rounds: lots }, delta);
  return { sigma16, spent: { epsilon, delta }, release: { what, sigma, rate, rounds: lots } };
}
