import type { MemberVote } from '../../../consensus/index.js';
import type { Strategy } from './behaviour.js';
import { forge, plans, votesOf } from './plan.js';

/**
 * Works for the empty block: helps a height out of its first period and from then on votes for nothing but ⊥ and
 * E_h. Its soft and cert votes for another value reach one member alone.
 */
export const emptyPartisan: Strategy = (node) => {
  const plan = plans(node);
  const told = (to: number, vote: MemberVote): readonly MemberVote[] => {
    const { height, period, step, value } = vote;
    if (value === null || value === node.emptyValue) return [vote];
    if (step !== 'next') return to === plan(height).trusted ? [vote] : [];
    return period === 0 ? [vote] : [forge(node, { height, period, step, value: null })];
  };
  return {
    say: (to, message) => {
      if (message.kind !== 'votes' || message.height !== node.height) return [{ message }];
      const own = message.votes.filter(({ member }) => member === node.member);
      const votes = own.flatMap((vote) => told(to, vote));
      return votes.length > 0 ? [votesOf(message.height, votes)] : [];
    },
  };
};
