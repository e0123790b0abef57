import { type Attack, steadily } from './attack.js';

/** Sends the opposite of its honest update. Li et al. 2019 (RSA), arXiv:1811.03761. */
export const signFlip: Attack = {
  name: 'sign-flip',
  acts: steadily,
  poison: null,
  craft: ({ own }) => own.map((entry) => -entry),
};
