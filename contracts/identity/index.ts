import { type Contract, method } from '../../chain/index.js';
import {
  add,
  admit,
  approve,
  recover,
  reinstate,
  reject,
  remove,
  replace,
  rotate,
  suspendAccount,
} from './apply.js';
import {
  addCodec,
  admitCodec,
  ofAccountCodec,
  recoverCodec,
  removeCodec,
  replaceCodec,
  rotateCodec,
  voteCodec,
} from './calls.js';
import { beginBlock } from './votes.js';

export { accountOf, isBarred, membersOf, type Owner, ownerOf, register, senderOf } from './accounts.js';
export { decide, idOf, openReport } from './apply.js';
export * from './calls.js';
export { creditCompletion, levelRecordOf } from './levels.js';
export * from './possession.js';
export * from './state.js';
export * from './validators.js';
export { approvalsNeeded, approvalsOf, openProposalsOf } from './votes.js';

/**
 * Who is who. A hospital admits, suspends, reinstates and recovers its own accounts; whatever goes beyond, and
 * everything about validators, takes more than two thirds of the seats. Each account changes its own key.
 */
export function identity<C>(): Contract<C> {
  return {
    name: 'identity',
    methods: {
      add: method(addCodec, add),
      remove: method(removeCodec, remove),
      replace: method(replaceCodec, replace),
      approve: method(voteCodec, approve),
      reject: method(voteCodec, reject),
      admit: method(admitCodec, admit),
      suspend: method(ofAccountCodec, suspendAccount),
      reinstate: method(ofAccountCodec, reinstate),
      recover: method(recoverCodec, recover),
      rotate: method(rotateCodec, rotate),
    },
    beginBlock,
  };
}
