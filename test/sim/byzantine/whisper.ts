import type { Strategy } from './behaviour.js';
import { plans } from './plan.js';

/** Gives its votes to one member, once each: only that one can show them to the others, while it remembers them. */
export const whisper: Strategy = (node) => {
  const plan = plans(node);
  return {
    say: (to, message) => {
      if (message.kind !== 'votes') return [{ message }];
      return to === plan(message.height).trusted && message.step !== null ? [{ message }] : [];
    },
  };
};
