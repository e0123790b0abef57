import type { Strategy } from './behaviour.js';

/** As leader signs a block that can't be executed. */
export const badBody: Strategy = (node) => ({
  draft: (draft) => (node.world.random.chance(700) ? { ...draft, fault: 'body' } : draft),
});
