import type { Strategy } from './behaviour.js';

/** As leader signs a block whose seed its VRF does not yield: one that it chose. */
export const badSeedProof: Strategy = (node) => ({
  draft: (draft) => (node.world.random.chance(700) ? { ...draft, fault: 'seed' } : draft),
});
