import { type Contract, method } from '../../chain/index.js';
import { anchor } from './apply.js';
import { anchorCodec } from './calls.js';

export * from './calls.js';
export * from './state.js';

/** Digests of what stays off the chain, fixed in time: any account, one key write each. */
export function anchoring<C>(): Contract<C> {
  return { name: 'anchor', methods: { put: method(anchorCodec, anchor) } };
}
