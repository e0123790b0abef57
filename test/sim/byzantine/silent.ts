import type { Strategy } from './behaviour.js';

/** Says nothing at all. */
export const silent: Strategy = () => ({ say: () => [] });
