import { oneStep, type RoundInput } from '../../fl/index.js';

/** The plainest way to learn: no front, one gradient a round, w ← w - η g. */
export const plainRound = {
  front: 'none',
  local: oneStep,
  optimizer: null,
  clipping: null,
} as const satisfies Partial<RoundInput>;

export const plainServer = (learningRate16: number): RoundInput['server'] => ({
  step: 'fedavg',
  learningRate16,
  momentum16: 0,
  secondMoment16: 0,
  adaptivity16: 1,
});
