import type { Records } from '../../fl/index.js';
import type { Split } from './data.js';
import { accuracyOf, logisticLearner } from './logistic.js';
import type { Learner } from './net.js';
import { normals, stream } from './stream.js';

/** What is chosen before anything is measured. */
export interface Choice {
  readonly rounds: number;
  readonly learningRate: number;
  /** Clipping threshold C. */
  readonly clip: number;
  /** β of FedAvgM; 0: FedAvg. */
  readonly momentum: number;
}

export type Unit = 'record' | 'device';

/**
 * A task in plain doubles, without lattices, chain and rule, some hundred times as fast as `simulate`: for choosing
 * settings. The noise of all devices together is drawn as one normal number. Returns the last model's accuracy.
 */
export function descend(
  { test, inputs }: Split,
  shards: readonly Records[],
  { rounds, learningRate, clip, momentum }: Choice,
  sigma: number,
  unit: Unit,
  seed: string,
): number {
  const weights = new Float64Array(inputs + 1);
  const velocity = new Float64Array(inputs + 1);
  const normal = normals(stream(`descend/${seed}`));
  const units = unit === 'device' ? shards.length : shards.reduce((sum, { y }) => sum + y.length, 0);
  const deviation = sigma * clip * Math.sqrt(shards.length);
  for (let round = 0; round < rounds; round++) {
    const sum = new Float64Array(inputs + 1);
    for (const shard of shards) {
      const update = updateOf(logisticLearner(inputs), weights, shard, unit, clip);
      for (let at = 0; at < sum.length; at++) sum[at]! += update[at]!;
    }
    for (let at = 0; at < sum.length; at++) {
      const noised = sigma === 0 ? sum[at]! : sum[at]! + deviation * normal();
      velocity[at] = momentum * velocity[at]! + noised / units;
      weights[at]! -= learningRate * velocity[at]!;
    }
  }
  return accuracyOf(weights, test, inputs);
}

/** What a device sends before lattice and noise: each record clipped, or their mean gradient clipped as a whole. */
export function updateOf(
  { gradientSum }: Learner,
  weights: Float32Array | Float64Array,
  shard: Records,
  unit: Unit,
  clip: number,
): Float64Array {
  if (unit === 'record') return gradientSum(weights, shard, clip);
  const sum = gradientSum(weights, shard, Number.POSITIVE_INFINITY);
  const norm = Math.sqrt(sum.reduce((total, entry) => total + entry * entry, 0)) / shard.y.length;
  const factor = 1 / shard.y.length / Math.max(1, norm / clip);
  return sum.map((entry) => factor * entry);
}
