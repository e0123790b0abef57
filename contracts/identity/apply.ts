import {
  type CallScope,
  limits,
  type Refusal,
  refuse,
  type Scope,
  type StateReader,
} from '../../chain/index.js';
import { eraOf, quorumOf } from '../../consensus/index.js';
import { bytesToHex, compareBytes, equalBytes, isPublicKey } from '../../crypto/index.js';
import { paramsCell } from '../params.js';
import type { AddArgs, ApproveArgs, RemoveArgs } from './calls.js';
import { endangers } from './capture.js';
import {
  type Account,
  accountCell,
  nextProposalCell,
  openProposalsCell,
  PROPOSAL_MS,
  PROPOSALS_EACH_MAX,
  type Proposal,
  proposalCell,
  SEATS_MIN,
} from './state.js';
import { seatedOf, seatOf, setSeat, validatorsOf } from './validators.js';

type Change = Pick<Proposal, 'publicKey' | 'candidate'>;

export function accountOf(state: StateReader, publicKey: Uint8Array): Account | null {
  return accountCell.get(state, bytesToHex(publicKey));
}

/** The changes that wait for approvals, the oldest first. */
export function openProposalsOf(state: StateReader): readonly Proposal[] {
  return (openProposalsCell.get(state) ?? []).map((id) => proposalCell.get(state, id)!);
}

/** Approvals that count: those of validators that have a seat now. */
export function approvalsOf(state: StateReader, { approvals }: Proposal): readonly Uint8Array[] {
  const seated = seatedOf(state);
  return approvals.filter((key) => seated.some(({ publicKey }) => equalBytes(publicKey, key)));
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

export function add<C>(scope: CallScope<C>, { publicKey, ...candidate }: AddArgs): Refusal | null {
  return propose(scope, { publicKey, candidate });
}

export function remove<C>(scope: CallScope<C>, { publicKey }: RemoveArgs): Refusal | null {
  return propose(scope, { publicKey, candidate: null });
}

/** One more seat for a change that is open already. With more than two thirds of the seats it takes effect. */
export function approve<C>(scope: CallScope<C>, { proposal: id }: ApproveArgs): Refusal | null {
  const { state, sender } = scope;
  if (!hasSeat(state, sender)) return refuse('not-a-validator', 'only a validator with a seat approves');
  const proposal = proposalCell.get(state, id);
  if (proposal === null) {
    return refuse('no-such-proposal', `proposal ${id} is not open: it took effect, expired, or never was`);
  }
  return approveOpen(scope, proposal);
}

/** Opens a change with the sender's approval. The same change as an open one counts as approving that one. */
function propose<C>(scope: CallScope<C>, change: Change): Refusal | null {
  const { state, sender, block } = scope;
  if (!hasSeat(state, sender)) return refuse('not-a-validator', 'only a validator with a seat proposes');
  const open = openProposalsOf(state);
  const same = open.find((other) => isSame(other, change));
  if (same !== undefined) return approveOpen(scope, same);
  const unfit = unfitness(state, change);
  if (unfit !== null) return unfit;
  if (open.filter(({ proposer }) => equalBytes(proposer, sender)).length >= PROPOSALS_EACH_MAX) {
    return refuse('too-many-proposals', `a validator has at most ${PROPOSALS_EACH_MAX} proposals open`);
  }
  const id = nextProposalCell.get(state) ?? 1;
  nextProposalCell.set(state, id + 1);
  openProposalsCell.set(state, [...(openProposalsCell.get(state) ?? []), id]);
  const expiresAt = block.time + PROPOSAL_MS;
  const proposal = { id, ...change, proposer: sender, approvals: [], expiresAt };
  proposalCell.set(state, proposal, id);
  scope.emit('proposed', { proposal: id, validator: change.publicKey, joins: change.candidate !== null });
  return approveOpen(scope, proposal);
}

function approveOpen<C>(scope: CallScope<C>, proposal: Proposal): Refusal | null {
  const { state, sender } = scope;
  if (proposal.approvals.some((key) => equalBytes(key, sender))) {
    return refuse('already-approved', `this validator has approved proposal ${proposal.id}`);
  }
  const approvals = [...proposal.approvals, sender].sort(compareBytes);
  const next = { ...proposal, approvals };
  proposalCell.set(state, next, proposal.id);
  const counted = approvalsOf(state, next).length;
  const needed = approvalsNeeded(state);
  scope.emit('approved', { proposal: proposal.id, by: sender, approvals: counted, needed });
  return counted < needed ? null : takeEffect(scope, next);
}

/** What held when the change was proposed may hold no more: then the last approval is refused. */
function takeEffect<C>(scope: CallScope<C>, { id, publicKey, candidate }: Proposal): Refusal | null {
  const { state, block } = scope;
  const unfit = unfitness(state, { publicKey, candidate });
  if (unfit !== null) return unfit;
  if (candidate !== null) {
    const account: Account = { role: 'validator', level: 0, ...candidate };
    accountCell.set(state, account, bytesToHex(publicKey));
  }
  setSeat(state, publicKey, candidate === null ? 'lost' : 'held');
  close(scope, id);
  // The first ring that shows it; this era's and the next one's were fixed before (consensus/ring.ts).
  const era = eraOf(block.height, paramsCell.get(state)!.eraHeights) + 2;
  scope.emit(candidate === null ? 'removed' : 'added', { proposal: id, validator: publicKey, era });
  return null;
}

function close<C>({ state }: Scope<C>, id: number): void {
  proposalCell.remove(state, id);
  const left = (openProposalsCell.get(state) ?? []).filter((other) => other !== id);
  openProposalsCell.set(state, left);
}

/** Why a change cannot stand in the present state; null: it can. */
function unfitness(state: StateReader, { publicKey, candidate }: Change): Refusal | null {
  const unfit =
    candidate === null ? unfitToLeave(state, publicKey) : unfitToJoin(state, publicKey, candidate);
  if (unfit !== null) return unfit;
  const seats = seatedOf(state).length;
  if (!endangers(state, seats, candidate === null ? seats - 1 : seats + 1)) return null;
  return refuse(
    'unsafe-committee',
    'committees drawn from these validators could be captured, beyond the bound of genesis',
  );
}

function unfitToLeave(state: StateReader, publicKey: Uint8Array): Refusal | null {
  if (!hasSeat(state, publicKey)) return refuse('no-seat', 'this key has no seat that could go');
  if (seatedOf(state).length <= SEATS_MIN) {
    return refuse('too-few-seats', `a chain keeps at least ${SEATS_MIN} seats: add a validator first`);
  }
  return null;
}

function unfitToJoin(
  state: StateReader,
  publicKey: Uint8Array,
  { vrfPublicKey, name, hospital }: NonNullable<Proposal['candidate']>,
): Refusal | null {
  if (!isPublicKey(publicKey) || !isPublicKey(vrfPublicKey)) {
    return refuse('bad-key', 'a key is no Ed25519 public key (canonical, not of small order)');
  }
  if (name === '' || hospital === '') return refuse('no-name', 'a validator has a name and a hospital');
  const account = accountOf(state, publicKey);
  if (account !== null && account.role !== 'validator') {
    return refuse('key-taken', `this key is that of a ${account.role}`);
  }
  if (hasSeat(state, publicKey)) return refuse('has-seat', 'this validator has its seat');
  const all = validatorsOf(state);
  const owner = all.find((validator) => equalBytes(validator.account.vrfPublicKey!, vrfPublicKey));
  const known = all.find((validator) => equalBytes(validator.publicKey, publicKey));
  if (owner !== known)
    return refuse('key-taken', 'a validator has one VRF key for good, and shares it with nobody');
  const others = seatedOf(state).map((validator) => validator.account);
  if (others.some((other) => other.hospital === hospital)) {
    return refuse('hospital-taken', `${hospital} has a validator: a hospital runs one`);
  }
  if (others.some((other) => other.name === name)) {
    return refuse('name-taken', `another validator has the name ${name}`);
  }
  if (account === null && all.length >= limits.membersMax) {
    return refuse('too-many-validators', `a chain has at most ${limits.membersMax} validators in its life`);
  }
  return null;
}

function hasSeat(state: StateReader, publicKey: Uint8Array): boolean {
  const seat = seatOf(state, publicKey);
  return seat !== null && seat !== 'lost';
}

function isSame(a: Change, b: Change): boolean {
  if (!equalBytes(a.publicKey, b.publicKey)) return false;
  if (a.candidate === null || b.candidate === null) return a.candidate === b.candidate;
  return (
    equalBytes(a.candidate.vrfPublicKey, b.candidate.vrfPublicKey) &&
    a.candidate.name === b.candidate.name &&
    a.candidate.hospital === b.candidate.hospital
  );
}
