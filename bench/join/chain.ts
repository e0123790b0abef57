import { createTestChain, type TestChain } from '../../test/support/chain.js';
import { HOSPITALS } from '../history.js';

/** The chain of `historyIn`, at its genesis: always the same to the bit, so each process makes it by itself. */
export function benchChain(): TestChain {
  return createTestChain({ hospitals: HOSPITALS });
}
