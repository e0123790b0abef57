import { ONE16, type ServerStep } from './serverStep.js';

/**
 * w ← w - η g. With η = 1 and local steps, the mean of the devices' models.
 *
 * Source: McMahan et al. 2017, arXiv:1602.05629.
 */
export const fedAvg: ServerStep = {
  name: 'fedavg',
  initial: () => [],
  step: (direction, _, { learningRate16 }) => ({
    delta: (learningRate16 / ONE16) * direction,
    moments: [],
  }),
};
