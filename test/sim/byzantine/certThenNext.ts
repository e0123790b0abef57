import type { Strategy } from './behaviour.js';
import { forge, ownVoteIn, plans, valuesOf, votesOf } from './plan.js';

/** Certifies to some, votes next(⊥) in the same period to the others. */
export const certThenNext: Strategy = (node) => {
  const plan = plans(node);
  return {
    say: (to, message) => {
      const own = ownVoteIn(node, message);
      if (!own || own.step === 'soft') return [{ message }];
      const { height, period } = own;
      const value = own.value ?? node.world.random.pick(valuesOf(node));
      return plan(height).favoured.has(to)
        ? [votesOf(height, [forge(node, { height, period, step: 'cert', value })])]
        : [votesOf(height, [forge(node, { height, period, step: 'next', value: null })])];
    },
  };
};
