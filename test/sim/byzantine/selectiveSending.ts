import type { Strategy } from './behaviour.js';
import { plans } from './plan.js';

/** Honest towards some, silent towards the rest; a new choice each height. */
export const selectiveSending: Strategy = (node) => {
  const plan = plans(node);
  return { say: (to, message) => (plan(message.height).favoured.has(to) ? [{ message }] : []) };
};
