import type { Strategy } from './behaviour.js';
import { forge, randomVote, votesOf } from './plan.js';

const VOTES_EACH = 12;

/** Beside each vote many others, of any period, step and value. */
export const voteFlood: Strategy = (node) => ({
  say: (_to, message) => {
    if (message.kind !== 'votes' || message.height !== node.height) return [{ message }];
    const { random } = node.world;
    const junk = Array.from({ length: VOTES_EACH }, () => {
      const { height, period, step, value } = randomVote(node, random.pick([2, 20, 2_000]));
      const isKnown = value === null || random.chance(500);
      return forge(node, { height, period, step, value: isKnown ? value : JUNK[random.below(JUNK.length)]! });
    });
    return [{ message }, votesOf(message.height, junk)];
  },
});

/** Hashes of no block. */
const JUNK = Array.from({ length: 1_000 }, (_, i) => i.toString(16).padStart(64, '0'));
