import { sha256, utf8ToBytes } from '../../crypto/index.js';
import {
  fitSiteHead,
  logitsOf,
  type Measures,
  measure,
  type Records,
  scoredRows,
  shuffled,
} from '../../fl/index.js';
import type { Hospital } from './heart.js';
import { together } from './heart.js';
import { logisticModel } from './logistic.js';
import { defaultRules, type Run, simulate } from './network.js';
import { ROUNDS } from './task.js';

/** Of a hospital's devices those that are the attacker's: which ones, the split decides. */
export interface Federation {
  readonly run: Run;
  /** By device, in the order of `run`: its hospital. */
  readonly hospitals: readonly string[];
}

export interface FederationSetting {
  readonly learningRate: number;
  /** So many devices, drawn from all, flip their labels. */
  readonly flippers: number;
  /** Null: the default rule; else none at all. */
  readonly rule: 'alignment' | 'none';
}

/** Devices of these hospitals train one logistic regression together; no noise. */
export function federate(
  hospitals: readonly Hospital[],
  inputs: number,
  { learningRate, flippers, rule }: FederationSetting,
  split: number,
): Federation {
  const devices = hospitals.flatMap(({ name, shards }) => shards.map((shard) => ({ name, shard })));
  const order = shuffled(devices.length, sha256(utf8ToBytes(`bench/heart/attackers/${split}`)));
  const placed = order.map((at) => devices[at]!);
  const run = simulate(
    {
      inputs,
      train: together(hospitals.map(({ train }) => train)),
      test: together(hospitals.map(({ test }) => test)),
    },
    placed.map(({ shard }) => shard),
    {
      ...defaultRules,
      rule,
      rounds: ROUNDS,
      sigma: 0,
      learningRate,
      attack: flippers > 0 ? 'label-flip' : null,
      fromRound: 1,
      attackers: flippers,
      oracle: false,
    },
    split,
  );
  return { run, hospitals: placed.map(({ name }) => name) };
}

/** A logistic regression fitted to these rows alone, drawn to the given weights (zero: ridge regression). */
export function fitAlone(
  { x, y }: Records,
  inputs: number,
  strength: number,
  towards: Float32Array = new Float32Array(inputs + 1),
): Float32Array {
  const fitted = fitSiteHead(logisticModel(inputs), towards, x, y, strength);
  if (!fitted.ok) throw new Error(`no head: ${fitted.reason}`);
  return fitted.weights;
}

/** Logits of a model on rows. */
export function scoresOf({ x }: Records, inputs: number, weights: Float32Array): Float64Array {
  return logitsOf(logisticModel(inputs), weights, x);
}

export function measuresOf(scores: ArrayLike<number>, labels: ArrayLike<number>): Measures {
  return measure(scoredRows(scores, labels), 0.9).measures;
}
