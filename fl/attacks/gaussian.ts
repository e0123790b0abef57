import { type Attack, steadily } from './attack.js';
import { normalDraws } from './normal.js';

/** Entries have this standard deviation, as in the paper; what is sent is shortened to the norm cap. */
const DEVIATION = 200;

/** Sends noise: in effect a random direction, as long as the norm cap allows. Blanchard et al. 2017 (NeurIPS), section 6. */
export const gaussian: Attack = {
  name: 'gaussian',
  acts: steadily,
  poison: null,
  craft: ({ own, random }) => normalDraws(own.length, random).map((draw) => DEVIATION * draw),
};
