/** Pre-aggregation in front of a verification rule, by name. */
import { bucketing } from './bucketing.js';
import type { Front } from './front.js';
import { nearestNeighbourMixing } from './nearestNeighbourMixing.js';
import { asTheyAre } from './none.js';

export type FrontName = 'none' | 'nearest-neighbour-mixing' | 'bucketing';

export const fronts: Readonly<Record<FrontName, Front>> = {
  none: asTheyAre,
  'nearest-neighbour-mixing': nearestNeighbourMixing,
  bucketing,
};

export type { Blend, Front } from './front.js';
