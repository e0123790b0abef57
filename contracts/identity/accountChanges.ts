import { type CallScope, type Refusal, refuse, type StateReader } from '../../chain/index.js';
import { bytesToHex, isPublicKey } from '../../crypto/index.js';
import { carryCount } from '../rates/index.js';
import { accountOf, changeAccount, ownerOf, register } from './accounts.js';
import { levelFault, levelsOf, moveLevel } from './levels.js';
import {
  ACCOUNTS_MAX,
  type Account,
  type Change,
  type ChangeOf,
  KEYS_MAX,
  keyCell,
  memberCell,
  membersCell,
  strikesCell,
} from './state.js';
import { validatorOf } from './validators.js';

/** A change of accounts that are no validators. */
export type AccountChange = Exclude<Change, ChangeOf<'join' | 'leave' | 'replace'>>;

/** The accounts that a change is about. Of a new one: the id that it will have. */
export function subjectsOf(change: AccountChange): readonly Uint8Array[] {
  switch (change.kind) {
    case 'admit':
      return [change.publicKey];
    case 'levels':
      return change.entries.map(({ account }) => account);
    default:
      return [change.account];
  }
}

/** Why a change cannot stand in the present state; null: it can. */
export function unfitAccount(state: StateReader, height: number, change: AccountChange): Refusal | null {
  if (change.kind === 'admit') return unfitToAdmit(state, change);
  for (const id of subjectsOf(change)) {
    const account = accountOf(state, id);
    if (account === null) return refuse('unknown-account', `there is no account ${bytesToHex(id)}`);
    if (account.role === 'validator') {
      return refuse(
        'is-a-validator',
        `${account.name} is a validator: its seat goes, or its key is replaced`,
      );
    }
  }
  switch (change.kind) {
    case 'suspend':
    case 'reinstate':
      return unfitStatus(accountOf(state, change.account)!, change.kind);
    case 'recover':
      return unfitKey(state, accountOf(state, change.account)!, change.publicKey);
    case 'levels':
      return unfitLevels(state, height, change);
    case 'leak':
      return unfitToFall(state, height, change.account);
    default:
      return change satisfies never;
  }
}

/** Takes effect. `by`: the validator whose call it was, the last to approve where it took several. */
export function changeAccounts<C>(scope: CallScope<C>, change: AccountChange): void {
  const { state, block, sender: by } = scope;
  switch (change.kind) {
    case 'admit': {
      const { publicKey, candidate } = change;
      register(state, publicKey, { ...candidate, vrfPublicKey: null }, block.height);
      scope.emit('admitted', { account: publicKey, by, ...candidate });
      return;
    }
    case 'suspend':
      suspend(scope, change.account, by);
      return;
    case 'reinstate': {
      const before = changeAccount(scope, change.account, { status: 'active' });
      strikesCell.remove(state, bytesToHex(change.account));
      scope.emit('reinstated', { account: change.account, by, before });
      return;
    }
    case 'recover': {
      const before = changeKey(scope, change.account, change.publicKey);
      scope.emit('recovered', { account: change.account, publicKey: change.publicKey, by, before });
      return;
    }
    case 'levels':
      for (const { account, level } of change.entries) moveLevel(scope, account, level, 'authority');
      return;
    case 'leak': {
      const { level } = accountOf(state, change.account)!;
      moveLevel(scope, change.account, fallenFrom(state, change.account, level), 'leak');
      return;
    }
    default:
      change satisfies never;
  }
}

/** `by`: a validator, or the publisher itself whose reports were rejected too often. */
export function suspend<C>(scope: CallScope<C>, account: Uint8Array, by: Uint8Array): void {
  const before = changeAccount(scope, account, { status: 'suspended' });
  scope.emit('suspended', { account, by, before });
}

/** Why this can't become the account's key; null: it can. */
export function unfitKey(state: StateReader, account: Account, publicKey: Uint8Array): Refusal | null {
  const unfit = unfitAsKey(state, publicKey);
  if (unfit !== null) return unfit;
  if (account.keys >= KEYS_MAX)
    return refuse('too-many-keys', `an account has at most ${KEYS_MAX} keys in its life`);
  return null;
}

/** The account goes on under another key, with all that it has; the one before signs nothing any more. */
export function changeKey<C>(scope: CallScope<C>, id: Uint8Array, publicKey: Uint8Array): number {
  const { state, block } = scope;
  const account = accountOf(state, id)!;
  carryCount(state, block.height, id, account.publicKey);
  keyCell.set(state, id, bytesToHex(publicKey));
  return changeAccount(scope, id, { publicKey, keys: account.keys + 1 });
}

/** Why this can't be any account's key. */
function unfitAsKey(state: StateReader, publicKey: Uint8Array): Refusal | null {
  if (!isPublicKey(publicKey))
    return refuse('bad-key', 'this is no Ed25519 public key (canonical, not of small order)');
  return ownerOf(state, publicKey) === null
    ? null
    : refuse('key-taken', 'this key has or had an account, and belongs to it for ever');
}

function unfitToAdmit(state: StateReader, { publicKey, candidate }: ChangeOf<'admit'>): Refusal | null {
  const { role, name, hospital, level } = candidate;
  const unfit = unfitAsKey(state, publicKey);
  if (unfit !== null) return unfit;
  if (name === '') return refuse('no-name', 'an account has a name');
  if (hospital === '' ? role === 'device' : validatorOf(state, hospital) === null) {
    return refuse('no-such-hospital', `no validator with a seat answers for ${hospital || 'this device'}`);
  }
  if (memberCell.get(state, hospital, name) !== null) {
    return refuse('name-taken', `${hospital || 'the consortium'} has an account of the name ${name}`);
  }
  const [lowest, highest] = levelsOf(state, role);
  if (level < lowest || level > highest) {
    return refuse('level-out-of-range', `a ${role} has a level from ${lowest} to ${highest}`);
  }
  if ((membersCell.get(state, hospital)?.count ?? 0) >= ACCOUNTS_MAX) {
    return refuse('too-many-accounts', `a hospital has at most ${ACCOUNTS_MAX} accounts`);
  }
  return null;
}

function unfitStatus({ status, name }: Account, kind: 'suspend' | 'reinstate'): Refusal | null {
  if (kind === 'suspend' && status === 'suspended')
    return refuse('already-suspended', `${name} is suspended`);
  if (kind === 'reinstate' && status !== 'suspended')
    return refuse('not-suspended', `${name} is not suspended`);
  return null;
}

function unfitLevels(state: StateReader, height: number, { entries }: ChangeOf<'levels'>): Refusal | null {
  if (entries.length === 0) return refuse('no-entries', 'a call that sets levels names at least one account');
  const seen = new Set(entries.map(({ account }) => bytesToHex(account)));
  if (seen.size !== entries.length) return refuse('entry-twice', 'an account stands in the list twice');
  for (const { account: id, level } of entries) {
    const fault = levelFault(state, height, id, accountOf(state, id)!, level);
    if (fault !== null) return fault;
  }
  return null;
}

function unfitToFall(state: StateReader, height: number, id: Uint8Array): Refusal | null {
  const account = accountOf(state, id)!;
  return levelFault(state, height, id, account, fallenFrom(state, id, account.level));
}

/** One below, where there is one. */
function fallenFrom(state: StateReader, id: Uint8Array, level: number): number {
  return Math.max(levelsOf(state, accountOf(state, id)!.role)[0], level - 1);
}
