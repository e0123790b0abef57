import { sha256, utf8ToBytes } from '../../crypto/index.js';
import type { Records } from '../../fl/index.js';
import { createRandom, featureNames, labelledRows, type Weights } from '../../pmta/index.js';
import type { KnownArea } from './areas.js';
import { together } from './heart.js';
import { createNet } from './net.js';
import { defaultRules, simulate } from './network.js';

export interface FederatedSetting {
  readonly hidden: readonly number[];
  readonly discount: number;
  /** Tasks one after another; the model of one is the target network of the next. */
  readonly tasks: number;
  /** 𝒯: rounds of a task. */
  readonly rounds: number;
  readonly learningRate: number;
  /** C: a label of 1 is rare and its gradient long, so a short C makes the network take it for rarer than it is. */
  readonly clip: number;
}

/** Chosen on areas of seed 100 (docs/results/allocation.notes.md). */
export const defaultFederated: FederatedSetting = {
  hidden: [8],
  discount: 0.5,
  tasks: 3,
  rounds: 20,
  learningRate: 1,
  clip: 8,
};

export interface FederatedDqn {
  readonly weights: Weights;
  /** After each round of each task, on areas that took no part: cross-entropy in nats, and the share called rightly. */
  readonly trace: readonly { readonly loss: number; readonly accuracy: number }[];
}

/**
 * The Q-network of all areas: each round every area's device sends a gradient, and the chain's rules make the next model
 * of their mean, weighted by rows (equation 10 of PMTA). One area is one device; a task is like any other, with the
 * ordinary loss, grid, norm cap and server step, and each of them is one step of fitted Q iteration.
 *
 * Four areas or fewer are too few for alignment to tell anybody apart, so nobody is judged: verification is `none`.
 * Everything random depends on `name` alone.
 */
export function federateDqn(
  areas: readonly KnownArea[],
  heldOut: readonly KnownArea[],
  setting: FederatedSetting,
  name: string,
): FederatedDqn {
  const { hidden, discount, tasks, rounds, learningRate, clip } = setting;
  const learner = createNet(featureNames.length, hidden, 1);
  const trace: { loss: number; accuracy: number }[] = [];
  let target: Weights | null = null;
  for (let task = 0; task < tasks; task++) {
    const rowsOf = (area: KnownArea, at: number, part: string): Records =>
      labelledRows(area, hidden, target, discount, randomOf(`${name}/${task}/${part}/${at}`));
    const shards = areas.map((area, at) => rowsOf(area, at, 'train'));
    const test = together(heldOut.map((area, at) => rowsOf(area, at, 'test')));
    const run = simulate(
      { inputs: featureNames.length, train: together(shards), test, learner },
      shards,
      {
        ...defaultRules,
        rule: 'none',
        rounds,
        sigma: 0,
        learningRate,
        clip,
        attack: null,
        fromRound: 1,
        attackers: 0,
        oracle: false,
        traced: true,
      },
      task,
    );
    trace.push(...run.trace);
    target = Float64Array.from(run.weights);
  }
  return { weights: target!, trace };
}

function randomOf(name: string) {
  return createRandom(sha256(utf8ToBytes(`bench/federated-dqn/${name}`)));
}
