import { createAdam } from '../../fl/index.js';
import { type Evidence, evidenceOf, type ReadPiece, reportedIn } from '../leaks.js';
import type { Random } from '../random.js';
import {
  type Area,
  type Episode,
  featureNames,
  runEpisode,
  type State,
  type Transition,
  writeFeatures,
} from './environment.js';
import { createNetwork, type NetworkShape, startWeights, type Weights } from './network.js';
import { createReplayBuffer } from './replayBuffer.js';

export interface DqnOptions {
  readonly hidden: readonly number[];
  /** γ: what a step's cost says beside those that follow, 0 to below 1. */
  readonly discount: number;
  readonly episodes: number;
  /** Transitions that are kept. */
  readonly replay: number;
  /** Transitions in one gradient. */
  readonly batch: number;
  /** Steps of the allocation between two gradients. */
  readonly stepsPerGradient: number;
  /** 𝒯: gradients between two copies of the network into the target network. */
  readonly targetEvery: number;
  /** Of Adam. */
  readonly learningRate: number;
  /** What weights lose a step, beside the gradient, times the learning rate: an area has few reports. */
  readonly weightDecay: number;
  /**
   * Chance of an action at random. With little of it those often reported are met in full classes alone, where they
   * cost less, and look better than they are.
   */
  readonly exploration: number;
}

/** Chosen on areas of seeds 100 to 107 of the study (docs/results/allocation.notes.md). */
export const defaultDqn: DqnOptions = {
  hidden: [8],
  discount: 0.5,
  episodes: 16,
  replay: 4_096,
  batch: 32,
  stepsPerGradient: 4,
  targetEvery: 100,
  learningRate: 0.01,
  weightDecay: 0.5,
  exploration: 1,
};

export function shapeOf(hidden: readonly number[]): NetworkShape {
  return { inputs: featureNames.length, hidden };
}

/** An area's past: the pieces of at least two windows. */
export interface AreaLog {
  readonly area: Area;
  readonly pieces: readonly ReadPiece[];
}

export interface Trained {
  readonly weights: Weights;
  /** Of each episode, the mean cross-entropy of its gradients, in nats; NaN before the first gradient. */
  readonly losses: readonly number[];
}

/**
 * The Q-network of one area, learned from its leak reports.
 *
 * It values what an action leaves to be lost: C(s, a) in 0 to 1, the discounted mean of the costs from here on, so that
 * Q = −C / (1 − γ). Equation 9 of PMTA, the squared distance of Q from r + γ max Q'(s', a'), becomes here the
 * cross-entropy of C from (1 − γ) c + γ min C'(s', a'), C' being the target network. It has the same minimum, the mean
 * of the targets, and by the logit the gradient that the square has by the value; and it is the loss of every task on
 * the chain. Value functions trained as classifiers learn as well or better (Farebrother et al. 2024,
 * arXiv:2403.03950).
 *
 * An episode leaves one window out: the others' reports are the evidence, whom that window's name is what is learned
 * towards. The true coalition is never seen. Deterministic from `random` on one kind of machine (exp).
 * Source: Mnih et al. 2015 (replay, target network).
 */
export function trainDqn({ area, pieces }: AreaLog, options: DqnOptions, random: Random): Trained {
  checkOptions(options);
  const lessons = lessonsOf({ area, pieces });
  const shape = shapeOf(options.hidden);
  const network = createNetwork(shape);
  const weights = startWeights(shape, random);
  let target = weights.slice();
  const adam = createAdam(weights.length, { rate: options.learningRate, decay: options.weightDecay });
  const buffer = createReplayBuffer<Transition>(options.replay);
  const gradient = new Float64Array(weights.length);
  const row = new Float64Array(shape.inputs);
  const losses: number[] = [];
  let [steps, gradients] = [0, 0];
  for (let episode = 0; episode < options.episodes; episode++) {
    const { evidence, reported } = lessons[random.below(lessons.length)]!;
    const policy = policyOf(network, weights);
    const { transitions } = runEpisode(area, evidence, reported, (providers, state) =>
      random.unit() < options.exploration
        ? state.remaining[random.below(state.remaining.length)]!
        : policy(providers, state),
    );
    let [loss, count] = [0, 0];
    for (const transition of transitions) {
      buffer.push(transition);
      if (++steps % options.stepsPerGradient !== 0 || buffer.length < options.batch) continue;
      gradient.fill(0);
      for (let drawn = 0; drawn < options.batch; drawn++) {
        const one = buffer.draw(random);
        const aim = targetOf(network, target, one, options.discount);
        writeFeatures(row, one.providers, one.action, one.state);
        loss += network.addGradient(weights, row, aim, 1 / options.batch, gradient);
        count++;
      }
      adam(weights, gradient);
      if (++gradients % options.targetEvery === 0) target = weights.slice();
    }
    losses.push(loss / count);
  }
  return { weights, losses };
}

/** Transitions as rows of a task on the chain: features, and a label that is 1 with the target's chance. */
export interface LabelledRows {
  /** [rows][features], as `featureNames` has them. */
  readonly x: Float32Array;
  /** [rows], 0 or 1. */
  readonly y: Float32Array;
}

/**
 * An area's replay buffer as a data set: one episode a window, and what a target network says of each step.
 *
 * A task's labels are classes, so a target t becomes the label 1 with chance t: the cross-entropy has the same
 * minimum, the mean of the targets. target: the model of the task before, which so is the target network for a whole
 * task; null: there was none, and only the costs of the steps themselves count.
 * Source: fitted Q iteration, Ernst et al. 2005; Riedmiller 2005.
 */
export function labelledRows(
  log: AreaLog,
  hidden: readonly number[],
  target: Weights | null,
  discount: number,
  random: Random,
): LabelledRows {
  const network = createNetwork(shapeOf(hidden));
  // A window's transitions are let go before the next one's: each holds who remained.
  const parts = lessonsOf(log).map(({ evidence, reported }) => {
    const { transitions } = runEpisode(
      log.area,
      evidence,
      reported,
      (_, { remaining }) => remaining[random.below(remaining.length)]!,
    );
    return valuedRows(transitions, (one) =>
      target === null ? (1 - discount) * one.cost : targetOf(network, target, one, discount),
    );
  });
  return {
    x: Float32Array.from(parts.flatMap(({ x }) => [...x])),
    y: Float32Array.from(parts.flatMap(({ aims }) => aims.map((aim) => (random.unit() < aim ? 1 : 0)))),
  };
}

/** Features of each transition, [transitions][features], and what it shall be said to be worth. */
function valuedRows(transitions: readonly Transition[], aimOf: (one: Transition) => number) {
  const width = featureNames.length;
  const x = new Float32Array(transitions.length * width);
  const row = new Float64Array(width);
  for (const [at, one] of transitions.entries()) {
    writeFeatures(row, one.providers, one.action, one.state);
    x.set(row, at * width);
  }
  return { x, aims: transitions.map(aimOf) };
}

/** What of a window's reports is foretold by the other windows'. */
export interface Lesson {
  readonly evidence: Evidence;
  /** [providers]. */
  readonly reported: Uint8Array;
}

/** One lesson a window. Throws RangeError for fewer than two windows. */
export function lessonsOf({ area, pieces }: AreaLog): Lesson[] {
  const providers = area.clusters.length;
  const windows = [...new Set(pieces.map(({ window }) => window))].sort((a, b) => a - b);
  if (windows.length < 2)
    throw new RangeError(`leak reports of ${windows.length} windows: at least 2 are needed`);
  return windows.map((left) => ({
    evidence: evidenceOf(
      pieces.filter(({ window }) => window !== left),
      providers,
    ),
    reported: reportedIn(
      pieces.filter(({ window }) => window === left),
      providers,
    ),
  }));
}

/** (1 − γ) c + γ min C(s', a'): what the network shall say of a transition. 0 to 1. */
export function targetOf(
  network: ReturnType<typeof createNetwork>,
  target: Weights,
  one: Transition,
  discount: number,
): number {
  const { remaining } = one.next;
  if (remaining.length === 0 || discount === 0) return (1 - discount) * one.cost;
  const row = new Float64Array(featureNames.length);
  let least = 1;
  for (const action of remaining) {
    writeFeatures(row, one.providers, action, one.next);
    least = Math.min(least, network.value(target, row));
  }
  return (1 - discount) * one.cost + discount * least;
}

/** The action of least value; ties to the first. */
export function policyOf(
  network: ReturnType<typeof createNetwork>,
  weights: Weights,
): (providers: Float64Array, state: State) => number {
  const row = new Float64Array(featureNames.length);
  return (providers, state) => {
    let [best, least] = [-1, Number.POSITIVE_INFINITY];
    for (const action of state.remaining) {
      writeFeatures(row, providers, action, state);
      const value = network.value(weights, row);
      if (value < least) [best, least] = [action, value];
    }
    return best;
  };
}

/** The classes that a trained network gives, from all that was reported. */
export function allocateBy(
  area: Area,
  evidence: Evidence,
  hidden: readonly number[],
  weights: Weights,
): Episode {
  return runEpisode(area, evidence, null, policyOf(createNetwork(shapeOf(hidden)), weights));
}

function checkOptions({ discount, batch, stepsPerGradient, targetEvery, episodes }: DqnOptions): void {
  const whole = [batch, stepsPerGradient, targetEvery, episodes].every(
    (n) => Number.isSafeInteger(n) && n >= 1,
  );
  if (!whole || !(discount >= 0 && discount < 1))
    throw new RangeError(`discount ${discount}, or a count below 1`);
}
