import {
  type CallScope,
  type Refusal,
  refuse,
  type Scope,
  type StateAccess,
  type StateReader,
} from '../../chain/index.js';
import { bytesToHex, equalBytes } from '../../crypto/index.js';
import { seatOf } from '../identity/index.js';
import type { ClaimArgs } from './calls.js';
import {
  type Claim,
  DOUBLINGS_MAX,
  OWED_HEIGHTS,
  owedCell,
  type Turns,
  turnsCell,
  unservedCell,
} from './state.js';

/** The longest that one false claim keeps its validator silent; after as long again it is forgotten. */
const REST_HEIGHTS = OWED_HEIGHTS * 2 ** DOUBLINGS_MAX;

/** A validator with a seat says that a level waits: until it has its block, no level has two. */
export function claim<C>(scope: CallScope<C>, { level }: ClaimArgs): Refusal | null {
  const { state, block, sender } = scope;
  const unfit = claimFault(state, sender, level, block.height);
  if (unfit !== null) return unfit;
  const until = block.height + OWED_HEIGHTS;
  owedCell.set(state, [...owedOf(state), { level, by: sender, after: turnsOf(state).blocks, until }]);
  scope.emit('claimed', { level, by: sender, until });
  return null;
}

/** Why a claim would be refused in the block of this height; null: it would not. */
export function claimFault(
  state: StateReader,
  validator: Uint8Array,
  level: number,
  height: number,
): Refusal | null {
  const seat = seatOf(state, validator);
  if (seat === null || seat === 'lost') {
    return refuse('not-a-validator', 'only a validator with a seat claims a turn for a level');
  }
  const owed = owedOf(state);
  if (owed.some((open) => open.level === level)) return refuse('already-owed', `level ${level} is owed`);
  if (owed.some(({ by }) => equalBytes(by, validator))) {
    return refuse('claim-open', 'a validator has one claim open at a time');
  }
  const { from } = unservedCell.get(state, bytesToHex(validator)) ?? { from: 0 };
  if (height >= from) return null;
  return refuse(
    'too-early',
    `nobody served this validator's last claim: the next one from height ${from} on`,
  );
}

/** Start of a block: claims whose time is over go, and cost their validators the right to claim for a while. */
export function beginBlock<C>(scope: Scope<C>): void {
  const { state, block } = scope;
  const owed = owedOf(state);
  const over = owed.filter(({ until }) => until < block.height);
  if (over.length === 0) return;
  for (const { level, by } of over) {
    noteUnserved(state, bytesToHex(by), block.height);
    scope.emit('expired', { level, by });
  }
  setOwed(
    state,
    owed.filter(({ until }) => until >= block.height),
  );
}

/**
 * May a block on this state hold transactions of a level? Not if the level had a block after the oldest claim of
 * another one was made: so each of the others has at most one block before a level that is owed has its own.
 */
export function mayHold(state: StateReader, level: number): boolean {
  const oldest = owedOf(state)[0];
  if (oldest === undefined || oldest.level === level) return true;
  return lastUse(turnsOf(state), level) <= oldest.after;
}

/** A block holds transactions of this level: it has had its turn, and is owed none. */
export function noteTurn(state: StateAccess, level: number): void {
  const { blocks, used } = turnsOf(state);
  const at = blocks + 1;
  turnsCell.set(state, { blocks: at, used: [...used.filter((one) => one.level !== level), { level, at }] });
  const owed = owedOf(state);
  const left = owed.filter((open) => open.level !== level);
  if (left.length !== owed.length) setOwed(state, left);
}

/**
 * Which of these levels, in order of arrival, the next block takes: the one that has been owed for the longest, else
 * the one whose last block is the longest ago. 0: none may go.
 */
export function chooseLevel(state: StateReader, waiting: readonly number[]): number {
  const owed = owedOf(state).find(({ level }) => waiting.includes(level));
  if (owed !== undefined) return owed.level;
  const turns = turnsOf(state);
  let best = 0;
  for (const level of waiting) {
    if (!mayHold(state, level)) continue;
    if (best === 0 || lastUse(turns, level) < lastUse(turns, best)) best = level;
  }
  return best;
}

export function turnsOf(state: StateReader): Turns {
  return turnsCell.get(state) ?? { blocks: 0, used: [] };
}

/** The number of the last task block of a level; 0: it had none. */
export function lastUse({ used }: Turns, level: number): number {
  return used.find((one) => one.level === level)?.at ?? 0;
}

export function owedOf(state: StateReader): readonly Claim[] {
  return owedCell.get(state) ?? [];
}

function setOwed(state: StateAccess, owed: readonly Claim[]): void {
  if (owed.length === 0) owedCell.remove(state);
  else owedCell.set(state, owed);
}

function noteUnserved(state: StateAccess, validator: string, height: number): void {
  const before = unservedCell.get(state, validator) ?? { claims: 0, from: 0 };
  const claims = height > before.from + REST_HEIGHTS ? 1 : before.claims + 1;
  const rest = OWED_HEIGHTS * 2 ** Math.min(claims, DOUBLINGS_MAX);
  unservedCell.set(state, { claims, from: height + rest }, validator);
}
