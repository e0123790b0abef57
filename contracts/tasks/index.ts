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
import type { OpenContents } from './openContents.js';

export { endTask, enrolmentEnds, openTasks } from './apply.js';
export * from './calls.js';
export * from './content.js';
export { checkTask } from './fits.js';
export { applicationsOf, type Gated, gatedTask } from './gate.js';
export * from './gateState.js';
export * from './openContents.js';
export * from './openIndex.js';
export * from './openList.js';
export * from './state.js';

/** Level-gated publication, enrolment, and the gate before sealed contents. `open`: the form of the protocol's version. */
export function tasks<C>(open: OpenContents): Contract<C> {
  return {
    name: 'tasks',
    methods: {
      publish: method(publishCodec, publish),
      publishSealed: method(publishSealedCodec, publishSealed),
      publishContent: method(publishContentCodec, (scope, args) => publishContent(open, scope, args)),
      apply: method(applyCodec, applyForTask),
      ask: method(askCodec, ask),
      admit: method(admitCodec, admit),
      refuse: method(refuseCodec, refuseApplicant),
      withdraw: method(withdrawCodec, (scope, args) => withdraw(open, scope, args)),
      complete: method(completeCodec, (scope, args) => complete(open, scope, args)),
    },
    beginBlock: (scope: Scope<C>) => {
      endEnrolments(scope);
      open.adopt?.(scope.state);
      expireContent(open, scope);
    },
  };
}
