import { withCap } from './rule.js';

/** Accepts every update within the norm cap: the baseline that shows what a rule is worth. */
export const none = withCap({
  name: 'none',
  absolute: true,
  remembers: false,
  judge: (updates, accumulator) => {
    return { judgements: updates.map(() => ({ reason: null, score16: 0 })), accumulator };
  },
});
