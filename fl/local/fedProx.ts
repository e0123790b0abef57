import { type LocalStep, ONE16 } from './localStep.js';

/**
 * K steps with a spring to where the round began: the pull is µ (w - w₀), so that each step first shrinks what was
 * gone by 1 - ηµ. ηµ is at most 1, else a device would be flung beyond its start.
 *
 * Source: Li et al. 2020, arXiv:1812.06127.
 */
export const fedProx: LocalStep = {
  name: 'fedprox',
  controlled: false,
  decay: ({ learningRate16, proximal16 }) => 1 - (learningRate16 / ONE16) * (proximal16 / ONE16),
  pull: ({ start, weights }, index, { proximal16 }) =>
    (proximal16 / ONE16) * (weights[index]! - start[index]!),
};
