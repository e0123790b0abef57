import { type Contract, method } from '../../chain/index.js';
import { declare } from './apply.js';
import { declareCodec } from './calls.js';

export { canCharge, charge } from './apply.js';
export * from './calls.js';
export * from './state.js';

/** The ε ledger: per declared dataset and unit, across tasks. */
export function privacy<C>(): Contract<C> {
  return { name: 'privacy', methods: { declare: method(declareCodec, declare) } };
}
