import type { Front } from './front.js';

/** No pre-aggregation: each update stands for itself. */
export const asTheyAre: Front = {
  name: 'none',
  blend: (updates) => updates.map((_, index) => ({ of: [index], standsFor: [index] })),
};
