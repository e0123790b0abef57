import { type Contract, method } from '../../chain/index.js';
import { applyForTask, beginBlock, publish, publishSealed } from './apply.js';
import { applyCodec, publishCodec, publishSealedCodec } from './calls.js';

export { endTask, enrolmentEnds, openTasks } from './apply.js';
export * from './calls.js';
export * from './content.js';
export { checkTask } from './fits.js';
export * from './state.js';

/** Level-gated publication and enrolment. */
export function tasks<C>(): Contract<C> {
  return {
    name: 'tasks',
    methods: {
      publish: method(publishCodec, publish),
      publishSealed: method(publishSealedCodec, publishSealed),
      apply: method(applyCodec, applyForTask),
    },
    beginBlock,
  };
}
