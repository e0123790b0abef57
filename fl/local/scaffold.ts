import type { LocalStep } from './localStep.js';

/**
 * K steps corrected by control variates: the pull is c - c_k, the mean gradient of all minus the device's own.
 *
 * c_k is the mean of the noised gradients of the device's last round (option II of the paper, where the corrections
 * are taken out again), so it follows from its published update; c from the last aggregate, likewise. Neither costs
 * privacy. Before a device has sent an update, or the task has an aggregate, both are zero.
 * What travels is the sum of noised gradients without the corrections: over all devices these add up to zero.
 * Deviations from the paper, where not all take part or some are refused: c is over those that qualified in the last
 * round, and what the corrections of the others would have added is left out of the mean.
 * Source: Karimireddy et al. 2020, arXiv:1910.06378.
 */
export const scaffold: LocalStep = {
  name: 'scaffold',
  controlled: true,
  decay: () => 1,
  pull: ({ control }, index) => (control?.own && control.all ? control.all[index]! - control.own[index]! : 0),
};
