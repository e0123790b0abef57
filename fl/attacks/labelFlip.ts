import { flipLabels } from '../data/index.js';
import { type Attack, steadily } from './attack.js';

/** Trains on 1 for 0 and 0 for 1, of K classes on K − 1 − y for y. Biggio et al. 2012, arXiv:1206.6389; as in the seed paper. */
export const labelFlip: Attack = {
  name: 'label-flip',
  acts: steadily,
  poison: (records) => ({ ...records, y: flipLabels(records.y, records.classes) }),
  craft: null,
};

/** The same in every third round only, honest in between: to stay below what is summed up over rounds. */
export const labelFlipOnOff: Attack = {
  ...labelFlip,
  name: 'label-flip-on-off',
  acts: (round, fromRound) => round >= fromRound && round % 3 === 0,
};
