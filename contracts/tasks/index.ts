import { type Contract, method, type Scope } from '../../chain/index.js';
import { applyForTask, endEnrolments, publish, publishSealed } from './apply.js';
import { applyCodec, publishCodec, publishSealedCodec } from './calls.js';
import { complete, expireContent, publishContent, withdraw } from './contentTask.js';
import { admit, ask, refuseApplicant } from './gate.js';
import {
  admitCodec,
  askCodec,
  completeCodec,
  publishContentCodec,
  refuseCodec,
  withdrawCodec,
} from './gateCalls.js';

export { endTask, enrolmentEnds, openTasks } from './apply.js';
export * from './calls.js';
export * from './content.js';
export { nextContentEnd } from './contentTask.js';
export { checkTask } from './fits.js';
export { applicationsOf, type Gated, gatedTask } from './gate.js';
export * from './gateState.js';
export * from './state.js';

/** Level-gated publication, enrolment, and the gate before sealed contents. */
export function tasks<C>(): Contract<C> {
  return {
    name: 'tasks',
    methods: {
      publish: method(publishCodec, publish),
      publishSealed: method(publishSealedCodec, publishSealed),
      publishContent: method(publishContentCodec, publishContent),
      apply: method(applyCodec, applyForTask),
      ask: method(askCodec, ask),
      admit: method(admitCodec, admit),
      refuse: method(refuseCodec, refuseApplicant),
      withdraw: method(withdrawCodec, withdraw),
      complete: method(completeCodec, complete),
    },
    beginBlock: (scope: Scope<C>) => {
      endEnrolments(scope);
      expireContent(scope);
    },
  };
}
