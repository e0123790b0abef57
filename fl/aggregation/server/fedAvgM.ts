import { ONE16, type ServerStep } from './serverStep.js';

/**
 * m ← β m + g, w ← w - η m; m starts at zero.
 *
 * Source: Hsu et al. 2019, arXiv:1909.06335.
 */
export const fedAvgM: ServerStep = {
  name: 'fedavgm',
  initial: () => [0],
  step: (direction, [momentum], { learningRate16, momentum16 }) => {
    const next = Math.fround((momentum16 / ONE16) * momentum! + direction);
    return { delta: (learningRate16 / ONE16) * next, moments: [next] };
  },
};
