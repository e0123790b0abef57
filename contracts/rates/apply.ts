import {
  nonceCell,
  type StateAccess,
  type StateReader,
  type VerifiedTransaction,
} from '../../chain/index.js';
import { eraOf } from '../../consensus/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { paramsCell } from '../params.js';
import { eraStartCell } from './state.js';

/**
 * What the protocol has to get through, whatever else the account has sent: offences, and updates that rounds wait
 * for. They have an allowance of their own by the height, since a device owes at most one update a round, and a round
 * takes a height at least.
 */
const protocolsOwn: readonly (readonly [contract: string, method: string])[] = [
  ['evidence', 'submit'],
  ['training', 'update'],
];

/** How many transactions an account may have in an era, this one among them. */
export function allowance(
  state: StateReader,
  { contract, method }: Pick<VerifiedTransaction['transaction'], 'contract' | 'method'>,
): number {
  const { rates, eraHeights } = paramsCell.get(state)!;
  const isOwn = protocolsOwn.some(([owner, name]) => owner === contract && name === method);
  return rates.perEra + (isOwn ? rates.protocolPerHeight * eraHeights : 0);
}

/**
 * Whether the account has room for this transaction in the era of `height`. Its nonce says the how-manieth it will be,
 * so this holds as well for one that waits behind others.
 */
export function isWithinRate(
  state: StateReader,
  height: number,
  { transaction, sender }: VerifiedTransaction,
  account: Uint8Array,
): boolean {
  const before = transaction.nonce - startOf(state, height, account, sender);
  return before < allowance(state, transaction);
}

/** A transaction stands in the block at `height`. Writes once an account and era. */
export function countSent(
  state: StateAccess,
  height: number,
  { transaction: { nonce } }: VerifiedTransaction,
  account: Uint8Array,
): void {
  const id = bytesToHex(account);
  const era = eraOf(height, paramsCell.get(state)!.eraHeights);
  if (eraStartCell.get(state, id)?.era !== era) eraStartCell.set(state, { era, nonce }, id);
}

/** The account's key changes: under the next one, whose nonces begin at 0, it goes on where it was. */
export function carryCount(state: StateAccess, height: number, account: Uint8Array, key: Uint8Array): void {
  const start = startOf(state, height, account, bytesToHex(key));
  const sent = (nonceCell.get(state, bytesToHex(key)) ?? 0) - start;
  const era = eraOf(height, paramsCell.get(state)!.eraHeights);
  eraStartCell.set(state, { era, nonce: 0 - sent }, bytesToHex(account));
}

/** The nonce that counts as the account's first in this era. */
function startOf(state: StateReader, height: number, account: Uint8Array, key: string): number {
  const start = eraStartCell.get(state, bytesToHex(account));
  if (start !== null && start.era === eraOf(height, paramsCell.get(state)!.eraHeights)) return start.nonce;
  return nonceCell.get(state, key) ?? 0;
}
