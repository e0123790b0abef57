import { type Attack, steadily } from './attack.js';
import { deviationOf, meanOf } from './moments.js';

const HALVINGS = 30;

/**
 * Min-max: mean + γ p with p the negative standard deviation of the honest updates and γ as large as it can be with
 * no honest update farther from it than the two farthest honest ones are from each other.
 *
 * γ is found by doubling, then halving an interval.
 * Source: Shejwalkar and Houmansadr 2021 (NDSS), section IV; p is their "inverse standard deviation".
 */
export const minMax: Attack = {
  name: 'min-max',
  acts: steadily,
  poison: null,
  craft: ({ honest }) => {
    const mean = meanOf(honest);
    const deviation = deviationOf(honest, mean);
    const bound = Math.max(...honest.flatMap((a, at) => honest.slice(at).map((b) => squaredDistance(a, b))));
    const sent = (gamma: number) => mean.map((entry, index) => entry - gamma * deviation[index]!);
    const passes = (gamma: number) => honest.every((one) => squaredDistance(one, sent(gamma)) <= bound);
    if (deviation.every((entry) => entry === 0)) return mean;
    let [low, high] = [0, 1];
    while (passes(high)) [low, high] = [high, 2 * high];
    for (let halving = 0; halving < HALVINGS; halving++) {
      const middle = (low + high) / 2;
      if (passes(middle)) low = middle;
      else high = middle;
    }
    return sent(low);
  },
};

function squaredDistance(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, entry, index) => sum + (entry - b[index]!) ** 2, 0);
}
