import {
  type CallScope,
  encode,
  type Refusal,
  refuse,
  type Scope,
  type StateReader,
} from '../../chain/index.js';
import { quorumOf } from '../../consensus/index.js';
import { bytesToHex, compareBytes, equalBytes } from '../../crypto/index.js';
import { changeAccounts, suspend, unfitAccount } from './accountChanges.js';
import { accountOf } from './accounts.js';
import { changeSeat, unfitSeat } from './seatChanges.js';
import {
  type Change,
  changeCodec,
  nextProposalCell,
  openProposalsCell,
  PROPOSAL_MS,
  type Proposal,
  proposalCell,
  STRIKES_MAX,
  strikesCell,
} from './state.js';
import { hasSeat, seatedOf } from './validators.js';

/** The changes that wait for approvals, the oldest first. */
export function openProposalsOf(state: StateReader): readonly Proposal[] {
  return (openProposalsCell.get(state) ?? []).map((id) => proposalCell.get(state, id)!);
}

/** Approvals that count: those of validators that have a seat now. */
export function approvalsOf(state: StateReader, { approvals }: Proposal): readonly Uint8Array[] {
  return seatedAmong(state, approvals);
}

/** How many approvals a change needs: more than two thirds of the seats. */
export function approvalsNeeded(state: StateReader): number {
  return quorumOf(seatedOf(state).length);
}

/** Start of a block: proposals whose time is over go. */
export function beginBlock<C>(scope: Scope<C>): void {
  const { state, block } = scope;
  const open = openProposalsCell.get(state) ?? [];
  const over = open.filter((id) => proposalCell.get(state, id)!.expiresAt <= block.parent.time);
  for (const id of over) {
    close(scope, id);
    scope.emit('expired', { proposal: id });
  }
}

/** Seats that come or go ask how likely a capture becomes, which is dear. */
export function spendOn<C>(scope: CallScope<C>, { kind }: Change): void {
  if (kind === 'join' || kind === 'leave') scope.spend('capture');
}

/** Why a change cannot stand in the present state; null: it can. */
export function unfitness(state: StateReader, height: number, change: Change): Refusal | null {
  switch (change.kind) {
    case 'join':
    case 'leave':
    case 'replace':
      return unfitSeat(state, change);
    default:
      return unfitAccount(state, height, change);
  }
}

/** Writes a proposal that nobody has approved yet. The caller has asked whether it is fit, and open ones few enough. */
export function open<C>(scope: CallScope<C>, change: Change): Proposal {
  const { state, sender, block } = scope;
  const id = nextProposalCell.get(state) ?? 1;
  nextProposalCell.set(state, id + 1);
  openProposalsCell.set(state, [...(openProposalsCell.get(state) ?? []), id]);
  const expiresAt = block.time + PROPOSAL_MS;
  const proposal = { id, change, proposer: sender, approvals: [], rejections: [], expiresAt };
  proposalCell.set(state, proposal, id);
  scope.emit('proposed', { proposal: id, change: change.kind, by: sender });
  return proposal;
}

/** One more seat for an open change. With more than two thirds of the seats it takes effect. */
export function approveOpen<C>(scope: CallScope<C>, proposal: Proposal): Refusal | null {
  const { state, sender } = scope;
  const voted = votedAlready(proposal, sender);
  if (voted !== null) return voted;
  const approvals = [...proposal.approvals, sender].sort(compareBytes);
  const next = { ...proposal, approvals };
  proposalCell.set(state, next, proposal.id);
  const counted = approvalsOf(state, next).length;
  const needed = approvalsNeeded(state);
  scope.emit('approved', { proposal: proposal.id, by: sender, approvals: counted, needed });
  return counted < needed ? null : takeEffect(scope, next);
}

/** One seat against an open change. When too few are left to approve, it is closed. */
export function rejectOpen<C>(scope: CallScope<C>, proposal: Proposal): Refusal | null {
  const { state, sender } = scope;
  const voted = votedAlready(proposal, sender);
  if (voted !== null) return voted;
  const rejections = [...proposal.rejections, sender].sort(compareBytes);
  proposalCell.set(state, { ...proposal, rejections }, proposal.id);
  const against = seatedAmong(state, rejections).length;
  const tolerated = seatedOf(state).length - approvalsNeeded(state);
  scope.emit('opposed', { proposal: proposal.id, by: sender, rejections: against, tolerated });
  if (against <= tolerated) return null;
  close(scope, proposal.id);
  scope.emit('rejected', { proposal: proposal.id });
  if (proposal.change.kind === 'leak') strike(scope, proposal.proposer);
  return null;
}

/** The open proposal of the very same change; undefined: there is none. */
export function sameOpen(state: StateReader, change: Change): Proposal | undefined {
  const bytes = encode(changeCodec, change);
  return openProposalsOf(state).find((other) => equalBytes(encode(changeCodec, other.change), bytes));
}

/** The change has taken effect by another way: an open proposal of it has nothing left to do. */
export function settle<C>(scope: CallScope<C>, change: Change): void {
  const same = sameOpen(scope.state, change);
  if (same === undefined) return;
  close(scope, same.id);
  scope.emit('settled', { proposal: same.id });
}

/** What held when the change was proposed may hold no more: then the last approval is refused. */
function takeEffect<C>(scope: CallScope<C>, { id, change }: Proposal): Refusal | null {
  const { state, block } = scope;
  spendOn(scope, change);
  const unfit = unfitness(state, block.height, change);
  if (unfit !== null) return unfit;
  close(scope, id);
  switch (change.kind) {
    case 'join':
    case 'leave':
    case 'replace':
      changeSeat(scope, change, id);
      return null;
    default:
      changeAccounts(scope, change);
      return null;
  }
}

/** A report that the validators did not believe; after so many the publisher is suspended. */
function strike<C>(scope: CallScope<C>, publisher: Uint8Array): void {
  const { state } = scope;
  const key = bytesToHex(publisher);
  const strikes = Math.min(STRIKES_MAX, (strikesCell.get(state, key) ?? 0) + 1);
  strikesCell.set(state, strikes, key);
  const isActive = accountOf(state, publisher)!.status === 'active';
  if (strikes === STRIKES_MAX && isActive) suspend(scope, publisher, publisher);
}

function close<C>({ state }: Scope<C>, id: number): void {
  proposalCell.remove(state, id);
  const left = (openProposalsCell.get(state) ?? []).filter((other) => other !== id);
  openProposalsCell.set(state, left);
}

function votedAlready({ id, approvals, rejections }: Proposal, voter: Uint8Array): Refusal | null {
  const is = (key: Uint8Array) => equalBytes(key, voter);
  if (approvals.some(is)) return refuse('already-approved', `this validator has approved proposal ${id}`);
  if (rejections.some(is)) return refuse('already-rejected', `this validator has rejected proposal ${id}`);
  return null;
}

function seatedAmong(state: StateReader, keys: readonly Uint8Array[]): readonly Uint8Array[] {
  return keys.filter((key) => hasSeat(state, key));
}
