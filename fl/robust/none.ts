import { toVerdicts, type VerificationRule, withinCap } from './rule.js';

/** Accepts every update within the norm cap: the baseline that shows what a rule is worth. */
export const none: VerificationRule = {
  name: 'none',
  absolute: true,
  verify: (updates, accumulator, context) => {
    const within = withinCap(updates, context);
    const judgements = within.map(() => ({ reason: null, score16: 0 }));
    return { verdicts: toVerdicts(updates, within, judgements), accumulator };
  },
};
