import type { LocalStep } from './localStep.js';

/** One step a round: the clipped and noised gradient sum itself travels. McMahan et al. 2017, arXiv:1602.05629. */
export const fedSgd: LocalStep = { name: 'fedsgd', controlled: false, decay: () => 1, pull: () => 0 };
