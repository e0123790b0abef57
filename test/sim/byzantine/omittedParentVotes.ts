import { quorumOf } from '../../../consensus/index.js';
import type { Strategy } from './behaviour.js';

/** As leader leaves out parent votes: down to the quorum, which is lawful, or below it, which is not. */
export const omittedParentVotes: Strategy = (node) => ({
  draft: (draft) => {
    const { random } = node.world;
    const kept = quorumOf(node.parentMembers) - (random.chance(400) ? 1 : 0);
    const first = random.below(Math.max(1, draft.parentVotes.length));
    const turned = [...draft.parentVotes.slice(first), ...draft.parentVotes.slice(0, first)];
    return { ...draft, parentVotes: turned.slice(0, kept) };
  },
});
