import { cell, integer, record, uint } from '../../chain/index.js';

/**
 * Where an account's count began in the era of its last transaction: the nonce that was its first there. So many it has
 * sent in this era as its nonce is above it. Below 0 for a later key, whose nonces begin at 0 while the count goes on.
 * By the account's id in hex.
 */
export const eraStartCell = cell(
  'rates/eraStart',
  record({ era: uint, nonce: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER) }),
);
