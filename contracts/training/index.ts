import { type Contract, method } from '../../chain/index.js';
import type { RoundOutcome } from '../../fl/index.js';
import { beginBlock, submitUpdate } from './apply.js';
import { updateArgsCodec } from './calls.js';

export { checkUpdate, costIn } from './apply.js';
export * from './calls.js';
export * from './closing.js';
export * from './measure.js';
export { type ClosedEvent, closedEvents, markedOutcome } from './outcome.js';
export * from './state.js';

/** Rounds, verdicts and models. */
export const training: Contract<RoundOutcome> = {
  name: 'training',
  methods: { update: method(updateArgsCodec, submitUpdate) },
  beginBlock,
};
