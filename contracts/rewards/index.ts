import { type Contract, method } from '../../chain/index.js';
import { transfer } from './apply.js';
import { transferCodec } from './calls.js';

export { balanceOf, escrow, noteRound, POINTS, payByPoints, payEach } from './apply.js';
export * from './calls.js';
export * from './state.js';

/** Tokens: what genesis handed out, moved by transfers and by what tasks pay. Never made, never destroyed. */
export function rewards<C>(): Contract<C> {
  return { name: 'rewards', methods: { transfer: method(transferCodec, transfer) } };
}
