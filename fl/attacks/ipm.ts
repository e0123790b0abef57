import { type Attack, steadily } from './attack.js';
import { meanOf } from './moments.js';

/** ε of the paper's runs against robust rules. */
const EPSILON = 0.5;

/**
 * Inner-product manipulation: every colluder sends -ε times the mean of the honest updates.
 *
 * Source: Xie et al. 2020, arXiv:1903.03936.
 */
export const ipm: Attack = {
  name: 'ipm',
  acts: steadily,
  poison: null,
  craft: ({ honest }) => meanOf(honest).map((entry) => -EPSILON * entry),
};
