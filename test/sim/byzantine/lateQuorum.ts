import type { Strategy } from './behaviour.js';
import { ownVoteIn } from './plan.js';

/** Holds its votes back until about the others' deadline: quorums come when some have voted next already. */
export const lateQuorum: Strategy = (node) => ({
  say: (_to, message) => {
    const own = ownVoteIn(node, message);
    if (!own) return [{ message }];
    const { plan, random } = node.world;
    const { deadlineMs, deadlineCapMs } = plan.params;
    const until = Math.min(deadlineCapMs, deadlineMs * 2 ** Math.min(own.period, 10));
    return [{ message, afterMs: Math.max(0, until + random.between(-400, 400)) }];
  },
});
