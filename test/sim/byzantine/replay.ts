import type { Message } from '../message.js';
import type { Strategy } from './behaviour.js';

const KEPT_MAX = 200;

/** Between its messages sends old ones again, of any height. */
export const replay: Strategy = (node) => {
  const kept: Message[] = [];
  const { random } = node.world;
  return {
    say: (_to, message) => {
      if (kept.length < KEPT_MAX) kept.push(message);
      else kept[random.below(KEPT_MAX)] = message;
      return [{ message }, { message: random.pick(kept) }];
    },
  };
};
