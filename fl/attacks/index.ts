/** Attacks that verification is measured under, by name. */
import { alie, alieStrong } from './alie.js';
import type { Attack } from './attack.js';
import { backdoor } from './backdoor.js';
import { gaussian } from './gaussian.js';
import { ipm } from './ipm.js';
import { labelFlip, labelFlipOnOff } from './labelFlip.js';
import { minMax } from './minMax.js';
import { scaling } from './scaling.js';
import { signFlip } from './signFlip.js';

export type AttackName =
  | 'label-flip'
  | 'label-flip-on-off'
  | 'sign-flip'
  | 'gaussian'
  | 'scaling'
  | 'alie'
  | 'alie-1.5'
  | 'ipm'
  | 'min-max'
  | 'backdoor';

export const attacks: Readonly<Record<AttackName, Attack>> = {
  'label-flip': labelFlip,
  'label-flip-on-off': labelFlipOnOff,
  'sign-flip': signFlip,
  gaussian,
  scaling,
  alie,
  'alie-1.5': alieStrong,
  ipm,
  'min-max': minMax,
  backdoor,
};

export { largestZ } from './alie.js';
export type { Attack, Knowledge, Records } from './attack.js';
export { withTrigger } from './backdoor.js';
export { normalDraws } from './normal.js';
export { craftedWire, meanOfWire } from './wire.js';
