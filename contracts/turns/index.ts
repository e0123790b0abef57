import { type Contract, type LevelRule, method } from '../../chain/index.js';
import { beginBlock, chooseLevel, claim, mayHold, noteTurn } from './apply.js';
import { claimCodec } from './calls.js';

export { claimFault, lastUse, owedOf, turnsOf } from './apply.js';
export { claimCodec as claimTurnCodec } from './calls.js';
export * from './state.js';

/** Whose turn it is: blocks hold task transactions of one level, and no level starves. */
export function turns<C>(): Contract<C> {
  return { name: 'turns', methods: { claim: method(claimCodec, claim) }, beginBlock };
}

export const levelRule: LevelRule = { mayHold, noteTurn, choose: chooseLevel };
