import { type Contract, method } from '../../chain/index.js';
import { submit } from './apply.js';
import { evidenceCodec } from './calls.js';

export { mootness } from './apply.js';
export * from './calls.js';
export * from './state.js';

/** Offences against agreement, proved by signatures. */
export function evidence<C>(): Contract<C> {
  return { name: 'evidence', methods: { submit: method(evidenceCodec, submit) } };
}
