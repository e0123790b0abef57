import type { LocalStep } from './localStep.js';

/** K plain steps: what travels is the sum of their noised sums, N/η times the distance gone. McMahan et al. 2017, arXiv:1602.05629. */
export const localFedAvg: LocalStep = { name: 'fedavg', controlled: false, decay: () => 1, pull: () => 0 };
