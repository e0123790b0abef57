import { type Contract, method } from '../../chain/index.js';
import { add, approve, beginBlock, remove } from './apply.js';
import { addCodec, approveCodec, removeCodec } from './calls.js';

export { accountOf, approvalsNeeded, approvalsOf, openProposalsOf } from './apply.js';
export * from './calls.js';
export * from './state.js';
export * from './validators.js';

/** Who is who. Accounts come from genesis; validators join and leave by vote of more than two thirds of the seats. */
export function identity<C>(): Contract<C> {
  return {
    name: 'identity',
    methods: {
      add: method(addCodec, add),
      remove: method(removeCodec, remove),
      approve: method(approveCodec, approve),
    },
    beginBlock,
  };
}
