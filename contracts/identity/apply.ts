import type { StateReader } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { type Account, accountCell, accountsCell } from './state.js';

export function accountOf(state: StateReader, publicKey: Uint8Array): Account | null {
  return accountCell.get(state, bytesToHex(publicKey));
}

/** Every account of a role with its key, sorted by key. Cost: one look-up an account. */
export function accountsOf(
  state: StateReader,
  role: Account['role'],
): readonly { readonly publicKey: Uint8Array; readonly account: Account }[] {
  return (accountsCell.get(state) ?? [])
    .map((publicKey) => ({ publicKey, account: accountOf(state, publicKey)! }))
    .filter(({ account }) => account.role === role);
}

/** The validator of a hospital, or null. A hospital runs one. */
export function validatorOf(state: StateReader, hospital: string): Uint8Array | null {
  return (
    accountsOf(state, 'validator').find(({ account }) => account.hospital === hospital)?.publicKey ?? null
  );
}
