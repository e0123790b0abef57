import type { Strategy } from './behaviour.js';
import { plans } from './plan.js';

/** Announces its block to all and gives the body to one member only. */
export const withheldPayload: Strategy = (node) => {
  const plan = plans(node);
  return {
    say: (to, message) => {
      if (message.kind === 'proposal') return [{ message: { ...message, body: false } }];
      return message.kind !== 'body' || to === plan(message.height).trusted ? [{ message }] : [];
    },
  };
};
