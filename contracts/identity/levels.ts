import { type Refusal, refuse, type Scope, type StateReader } from '../../chain/index.js';
import { eraOf } from '../../consensus/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { paramsCell } from '../params.js';
import { accountOf, changeAccount } from './accounts.js';
import {
  type Account,
  LEVEL_CHANGES_KEPT,
  type LevelCause,
  type LevelRecord,
  levelRecordCell,
  type Role,
} from './state.js';

/** How an account's level has moved; one that never has begins with nothing. */
export function levelRecordOf(state: StateReader, id: Uint8Array): LevelRecord {
  const found = levelRecordCell.get(state, bytesToHex(id));
  return found ?? { completed: 0, era: 0, base: accountOf(state, id)!.level, total: 0, changes: [] };
}

/** Levels that an account of this role may have: who takes part in tasks has one from 1, others may have none (0). */
export function levelsOf(state: StateReader, role: Role): readonly [lowest: number, highest: number] {
  return [role === 'device' || role === 'provider' ? 1 : 0, paramsCell.get(state)!.levels.highest];
}

/** Why the level of this account can't become `to` at `height`; null: it can. */
export function levelFault(
  state: StateReader,
  height: number,
  id: Uint8Array,
  account: Account,
  to: number,
): Refusal | null {
  const [lowest, highest] = levelsOf(state, account.role);
  if (to < lowest || to > highest) {
    return refuse('level-out-of-range', `a ${account.role} has a level from ${lowest} to ${highest}`);
  }
  const { base } = boundOf(state, height, id, account);
  const { perEra } = paramsCell.get(state)!.levels;
  if (Math.abs(to - base) <= perEra) return null;
  return refuse(
    'level-bound',
    `${account.name} began this era at level ${base}: it may move by ${perEra} at most, try again in the next`,
  );
}

/** Moves a level, with its reason; nothing if it is there already. The caller has asked `levelFault`. */
export function moveLevel<C>(scope: Scope<C>, id: Uint8Array, to: number, cause: LevelCause): void {
  const { state, block } = scope;
  const account = accountOf(state, id)!;
  const record = levelRecordOf(state, id);
  if (account.level === to) {
    if (record.completed > 0) levelRecordCell.set(state, { ...record, completed: 0 }, bytesToHex(id));
    return;
  }
  const change = { height: block.height, from: account.level, to, cause };
  const next: LevelRecord = {
    completed: 0,
    ...boundOf(state, block.height, id, account),
    total: record.total + 1,
    changes: [...record.changes, change].slice(-LEVEL_CHANGES_KEPT),
  };
  levelRecordCell.set(state, next, bytesToHex(id));
  const before = changeAccount(scope, id, { level: to });
  scope.emit('level', { account: id, from: account.level, to, cause, before });
}

/**
 * An account has completed a task of this level. With as many as genesis asks for, all at its present level, it rises
 * by one; where the bound of the era is reached, with the next one that it completes in a later era.
 */
export function creditCompletion<C>(scope: Scope<C>, id: Uint8Array, level: number): void {
  const { state, block } = scope;
  const { completions, highest } = paramsCell.get(state)!.levels;
  const account = accountOf(state, id);
  if (completions === 0 || account === null || account.status !== 'active') return;
  if (account.level !== level || level >= highest) return;
  const record = levelRecordOf(state, id);
  const completed = Math.min(record.completed + 1, completions);
  const rises = completed === completions && levelFault(state, block.height, id, account, level + 1) === null;
  if (rises) moveLevel(scope, id, level + 1, 'completion');
  else levelRecordCell.set(state, { ...record, completed }, bytesToHex(id));
}

/** The era of `height`, and the level that the account began it with. */
function boundOf(
  state: StateReader,
  height: number,
  id: Uint8Array,
  { level }: Account,
): Pick<LevelRecord, 'era' | 'base'> {
  const era = eraOf(height, paramsCell.get(state)!.eraHeights);
  const record = levelRecordCell.get(state, bytesToHex(id));
  // Nothing moved in this era yet: it began with the present level.
  if (record === null || record.total === 0 || record.era !== era) return { era, base: level };
  return { era, base: record.base };
}
