import { type Attack, steadily } from './attack.js';
import { deviationOf, meanOf } from './moments.js';
import { inverseNormal } from './normal.js';

/**
 * "A little is enough": every colluder sends mean - z · standard deviation of the honest updates, coordinate by
 * coordinate, close enough to pass as one of them.
 *
 * z_max is the largest z with Φ(z) < (n - m - s) / (n - m), s = ⌊n/2 + 1⌋ - m the honest devices that must be made
 * to side with the attacker; at least 0.
 * Source: Baruch et al. 2019, arXiv:1902.06156, algorithm 3.
 */
export const alie = littleIsEnough('alie', null);

/** The same with z = 1.5, as later papers use it: stronger and easier to see. */
export const alieStrong = littleIsEnough('alie-1.5', 1.5);

function littleIsEnough(name: string, fixed: number | null): Attack {
  return {
    name,
    acts: steadily,
    poison: null,
    craft: ({ honest, devices, attackers }) => {
      const z = fixed ?? largestZ(devices, attackers);
      const mean = meanOf(honest);
      const deviation = deviationOf(honest, mean);
      return mean.map((entry, index) => entry - z * deviation[index]!);
    },
  };
}

export function largestZ(devices: number, attackers: number): number {
  const needed = Math.floor(devices / 2 + 1) - attackers;
  const honest = devices - attackers;
  const share = (honest - needed) / honest;
  return share <= 0.5 ? 0 : inverseNormal(Math.min(share, 1 - 1e-9));
}
