import type { CallScope, Refusal } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import type { Anchor } from './calls.js';
import { anchoredCell } from './state.js';

/**
 * Writes the account's newest anchor over the one before. The earlier ones stay in their blocks and receipts: the
 * height is the proof that the digest existed by then.
 */
export function anchor<C>(scope: CallScope<C>, { digest, memo }: Anchor): Refusal | null {
  const account = bytesToHex(scope.sender);
  const count = (anchoredCell.get(scope.state, account)?.count ?? 0) + 1;
  anchoredCell.set(scope.state, { digest, memo, height: scope.block.height, count }, account);
  scope.emit('anchored', { account: scope.sender, digest });
  return null;
}
