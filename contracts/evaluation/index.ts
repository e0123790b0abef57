import { type Contract, method } from '../../chain/index.js';
import { answer } from './answer.js';
import { answerCodec, claimCodec, openCodec, planCodec } from './calls.js';
import { claim } from './claim.js';
import { beginBlock } from './closing.js';
import { openEvaluation } from './open.js';
import { plan } from './plan.js';

export { checkAnswer } from './answer.js';
export * from './calls.js';
export { isEvaluationDue, nextEvaluationDeadline, openEvaluations } from './closing.js';
export { planOf } from './plan.js';
export * from './state.js';

/** What a model is worth, as devices count it on held-out rows with noise, and as its publisher claims it, once. */
export function evaluation<C>(): Contract<C> {
  return {
    name: 'evaluation',
    methods: {
      plan: method(planCodec, plan),
      open: method(openCodec, openEvaluation),
      answer: method(answerCodec, answer),
      claim: method(claimCodec, claim),
    },
    beginBlock,
  };
}
