import { type Contract, method } from '../../chain/index.js';
import { applyForTask, beginBlock, publish } from './apply.js';
import { applyCodec, publishCodec } from './calls.js';

export { endTask, enrolmentEnds, openTasks } from './apply.js';
export * from './calls.js';
export { checkTask } from './fits.js';
export * from './state.js';

/** Level-gated publication and enrolment. */
export function tasks<C>(): Contract<C> {
  return {
    name: 'tasks',
    methods: { publish: method(publishCodec, publish), apply: method(applyCodec, applyForTask) },
    beginBlock,
  };
}
