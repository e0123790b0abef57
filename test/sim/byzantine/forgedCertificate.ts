import { quorumOf } from '../../../consensus/index.js';
import type { Strategy } from './behaviour.js';
import { forge, valuesOf, votesOf } from './plan.js';

/** Claims that the height is decided, with certificates made of its own vote alone or of too few. */
export const forgedCertificate: Strategy = (node) => ({
  say: (_to, message) => {
    const { random } = node.world;
    const { height } = node;
    if (message.height !== height || !random.chance(300)) return [{ message }];
    const value = random.pick(valuesOf(node));
    const own = forge(node, { height, period: random.below(2), step: 'cert', value });
    const known = message.kind === 'votes' ? message.votes.filter(({ step }) => step === 'cert') : [];
    const votes = random.chance(500) ? new Array(quorumOf(node.committee.length)).fill(own) : [own, ...known];
    const block = node.disk.bodies.get(value) ?? null;
    return [
      { message },
      { message: { kind: 'decided', height, value, block, votes } },
      // The same vote again and again in one message, too.
      votesOf(height, votes),
    ];
  },
});
