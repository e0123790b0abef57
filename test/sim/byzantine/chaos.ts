import type { Said, Strategy } from './behaviour.js';
import { forge, plans, randomVote, secondBlocks, votesOf } from './plan.js';

/** Any vote to anybody: what the others say is as likely as not. */
export const chaos: Strategy = (node) => {
  const plan = plans(node);
  const secondBlock = secondBlocks(node);
  return {
    say: (to, message) => {
      const { random } = node.world;
      const { height } = message;
      const said: Said[] = random.chance(500) ? [{ message }] : [];
      if (message.kind === 'proposal' && !plan(height).favoured.has(to)) {
        const block = secondBlock(height);
        return [{ message: block ? { ...message, block } : message }];
      }
      if (message.kind !== 'votes' || height !== node.height) return [{ message }];
      for (let i = random.below(4); i > 0; i--)
        said.push(votesOf(height, [forge(node, randomVote(node, 1))]));
      return said;
    },
  };
};
