import { type Attack, steadily } from './attack.js';
import { labelFlip } from './labelFlip.js';

/**
 * Model replacement: trains on flipped labels and sends n times the result, as if it alone made the mean; shortened
 * to the norm cap.
 *
 * Source: Bagdasaryan et al. 2020, arXiv:1807.00459, section 4.
 */
export const scaling: Attack = {
  name: 'scaling',
  acts: steadily,
  poison: labelFlip.poison,
  craft: ({ own, devices }) => own.map((entry) => devices * entry),
};
