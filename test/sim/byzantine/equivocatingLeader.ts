import type { Strategy } from './behaviour.js';
import { forge, ownVoteIn, plans, secondBlocks, valuesOf, votesOf } from './plan.js';

/**
 * Two blocks as leader, the second at times invalid; a soft vote for either as it suits the listener. At times its
 * soft vote goes to one member, once, and nothing follows: so that this one alone sees a soft quorum.
 */
export const equivocatingLeader: Strategy = (node) => {
  const plan = plans(node);
  const secondBlock = secondBlocks(node);
  return {
    say: (to, message) => {
      const { height } = message;
      const { favoured, trusted, isQuietLater } = plan(height);
      if (message.kind === 'proposal') {
        const block = favoured.has(to) ? null : secondBlock(height);
        return [{ message: block ? { ...message, block } : message }];
      }
      if (message.kind !== 'votes') return [{ message }];
      const own = ownVoteIn(node, message);
      if (own?.step !== 'soft') return isQuietLater ? [] : [{ message }];
      if (isQuietLater) return to === trusted && message.step !== null ? [{ message }] : [];
      const other = secondBlock(height)?.value ?? node.world.random.pick(valuesOf(node));
      const value = favoured.has(to) ? own.value : other;
      return [votesOf(height, [forge(node, { height, period: own.period, step: 'soft', value })])];
    },
  };
};
