import type { Scope, Sender, StateAccess, StateReader, VerifiedTransaction } from '../../chain/index.js';
import { bytesToHex, equalBytes, hexToBytes } from '../../crypto/index.js';
import { isWithinRate } from '../rates/index.js';
import { type Account, accountCell, type GenesisAccount, keyCell, memberCell, membersCell } from './state.js';

/** An account with its id. */
export interface Owner {
  readonly id: Uint8Array;
  readonly account: Account;
}

/** The account of this id. An id is the first key that the account had; for any of its keys ask `ownerOf`. */
export function accountOf(state: StateReader, id: Uint8Array): Account | null {
  return accountCell.get(state, bytesToHex(id));
}

/** Whose this key is or was, whether or not it signs for the account now. Null: nobody's. */
export function ownerOf(state: StateReader, publicKey: Uint8Array): Owner | null {
  return ownerOfHex(state, bytesToHex(publicKey));
}

function ownerOfHex(state: StateReader, key: string): Owner | null {
  const own = accountCell.get(state, key);
  if (own !== null) return { id: hexToBytes(key), account: own };
  const id = keyCell.get(state, key);
  return id === null ? null : { id, account: accountOf(state, id)! };
}

/** May this key (in hex) send anything now? An account's earlier keys may not. */
export function isBarred(state: StateReader, key: string): boolean {
  const owner = ownerOfHex(state, key);
  return owner?.account.status !== 'active' || bytesToHex(owner.account.publicKey) !== key;
}

/**
 * Whose transaction this is, and whether a block at `height` may hold it: the key is the account's present one, the
 * account is not suspended, and has sent no more in this era than it may.
 */
export function senderOf(state: StateReader, height: number, verified: VerifiedTransaction): Sender {
  const owner = ownerOfHex(state, verified.sender);
  if (owner === null || !equalBytes(owner.account.publicKey, verified.transaction.from)) {
    return { ok: false, reason: 'unknown-sender' };
  }
  if (owner.account.status !== 'active') return { ok: false, reason: 'suspended' };
  if (!isWithinRate(state, height, verified, owner.id)) return { ok: false, reason: 'rate-limited' };
  return { ok: true, account: owner.id };
}

/** Writes a new account, under its first key, at `height` (0: genesis). The caller has checked that it may be there. */
export function register(
  state: StateAccess,
  publicKey: Uint8Array,
  account: GenesisAccount,
  height: number,
): void {
  const { hospital, name } = account;
  const whole: Account = { ...account, publicKey, keys: 1, status: 'active', changedHeight: height };
  accountCell.set(state, whole, bytesToHex(publicKey));
  const members = membersCell.get(state, hospital);
  const namesake = memberCell.get(state, hospital, name);
  if (namesake === null) membersCell.set(state, { count: (members?.count ?? 0) + 1, newest: name }, hospital);
  // A validator's successor takes over the name of the one whose seat is gone.
  const before = namesake === null ? (members?.newest ?? null) : namesake.before;
  memberCell.set(state, { account: publicKey, before }, hospital, name);
}

/** Accounts of a hospital, the newest first, from the one called `from` on (null: the newest), at most `max`. */
export function membersOf(
  state: StateReader,
  hospital: string,
  from: string | null,
  max: number,
): readonly Owner[] {
  const found: Owner[] = [];
  let name = from ?? membersCell.get(state, hospital)?.newest ?? null;
  while (name !== null && found.length < max) {
    const member = memberCell.get(state, hospital, name);
    if (member === null) break;
    const account = accountOf(state, member.account)!;
    // A validator that was voted in again may have another name or hospital than before.
    if (account.hospital === hospital && account.name === name) found.push({ id: member.account, account });
    name = member.before;
  }
  return found;
}

/** Changes an account. Returns the height of the change before: the event names it, so that history can be walked. */
export function changeAccount<C>(
  { state, block }: Scope<C>,
  id: Uint8Array,
  change: Partial<Pick<Account, 'level' | 'publicKey' | 'keys' | 'status'>>,
): number {
  const account = accountOf(state, id)!;
  accountCell.set(state, { ...account, ...change, changedHeight: block.height }, bytesToHex(id));
  return account.changedHeight;
}
