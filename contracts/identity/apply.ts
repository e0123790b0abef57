import { type CallScope, type Refusal, refuse, type StateReader } from '../../chain/index.js';
import { equalBytes } from '../../crypto/index.js';
import { paramsCell } from '../params.js';
import {
  type AccountChange,
  changeAccounts,
  changeKey,
  subjectsOf,
  unfitAccount,
  unfitKey,
} from './accountChanges.js';
import { accountOf, ownerOf } from './accounts.js';
import type {
  AddArgs,
  AdmitArgs,
  OfAccountArgs,
  RecoverArgs,
  RemoveArgs,
  ReplaceArgs,
  RotateArgs,
  VoteArgs,
} from './calls.js';
import { verifyPossession } from './possession.js';
import {
  type Change,
  type ChangeOf,
  PROPOSALS_EACH_MAX,
  proposalCell,
  REPORTS_EACH_MAX,
  REPORTS_OPEN_MAX,
} from './state.js';
import { hasSeat } from './validators.js';
import {
  approveOpen,
  open,
  openProposalsOf,
  rejectOpen,
  sameOpen,
  settle,
  spendOn,
  unfitness,
} from './votes.js';

export function add<C>(scope: CallScope<C>, { publicKey, ...candidate }: AddArgs): Refusal | null {
  return propose(scope, { kind: 'join', publicKey, candidate });
}

export function remove<C>(scope: CallScope<C>, { publicKey }: RemoveArgs): Refusal | null {
  return propose(scope, { kind: 'leave', publicKey });
}

export function replace<C>(scope: CallScope<C>, args: ReplaceArgs): Refusal | null {
  return propose(scope, { kind: 'replace', ...args });
}

/** One more seat for a change that is open already. */
export function approve<C>(scope: CallScope<C>, { proposal }: VoteArgs): Refusal | null {
  return vote(scope, proposal, approveOpen);
}

/** One seat against it. */
export function reject<C>(scope: CallScope<C>, { proposal }: VoteArgs): Refusal | null {
  return vote(scope, proposal, rejectOpen);
}

export function admit<C>(
  scope: CallScope<C>,
  { publicKey, possession, ...candidate }: AdmitArgs,
): Refusal | null {
  const said = { account: publicKey, hospital: candidate.hospital, publicKey };
  scope.spend('signature');
  if (!verifyPossession(scope.block.chainId, said, possession)) return notHeld;
  return decide(scope, { kind: 'admit', publicKey, candidate });
}

export function suspendAccount<C>(scope: CallScope<C>, { account }: OfAccountArgs): Refusal | null {
  return decide(scope, { kind: 'suspend', account: idOf(scope.state, account) });
}

export function reinstate<C>(scope: CallScope<C>, { account }: OfAccountArgs): Refusal | null {
  return decide(scope, { kind: 'reinstate', account: idOf(scope.state, account) });
}

/** A new key for an account whose own is lost or stolen: enrolments, points, budgets and nonce count stay with it. */
export function recover<C>(
  scope: CallScope<C>,
  { account, publicKey, possession }: RecoverArgs,
): Refusal | null {
  const id = idOf(scope.state, account);
  const hospital = accountOf(scope.state, id)?.hospital;
  const said = { account: id, hospital: hospital ?? '', publicKey };
  scope.spend('signature');
  if (hospital !== undefined && !verifyPossession(scope.block.chainId, said, possession)) return notHeld;
  return decide(scope, { kind: 'recover', account: id, publicKey });
}

/** The sender changes its own key. */
export function rotate<C>(scope: CallScope<C>, { publicKey, possession }: RotateArgs): Refusal | null {
  const { state, sender, block } = scope;
  const account = accountOf(state, sender)!;
  if (account.role === 'validator') {
    return refuse(
      'is-a-validator',
      'a validator’s key is its peer id and its seat: have it replaced by vote',
    );
  }
  const unfit = unfitKey(state, account, publicKey);
  if (unfit !== null) return unfit;
  const said = { account: sender, hospital: account.hospital, publicKey };
  scope.spend('signature');
  if (!verifyPossession(block.chainId, said, possession)) return notHeld;
  const before = changeKey(scope, sender, publicKey);
  scope.emit('rotated', { account: sender, publicKey, before });
  return null;
}

/**
 * What a validator wants to happen to accounts. Its own hospital's it decides alone: at once. Of others, and where the
 * hospital may not decide alone, it is a proposal.
 */
export function decide<C>(scope: CallScope<C>, change: AccountChange): Refusal | null {
  const { state, sender, block } = scope;
  if (!hasSeat(state, sender))
    return refuse('not-a-validator', 'only a validator with a seat decides on accounts');
  if (!isOwn(state, sender, change)) return propose(scope, change);
  const unfit = unfitAccount(state, block.height, change);
  if (unfit !== null) return unfit;
  changeAccounts(scope, change);
  settle(scope, change);
  return null;
}

/** Opens a report of a leak, for the validators to vote on. The caller has checked that the sender may report it. */
export function openReport<C>(scope: CallScope<C>, change: ChangeOf<'leak'>): Refusal | null {
  const { state, sender } = scope;
  const reports = openProposalsOf(state).filter((each) => each.change.kind === 'leak');
  const { hospital } = accountOf(state, sender)!;
  const own = reports.filter(({ proposer }) =>
    hospital === '' ? equalBytes(proposer, sender) : accountOf(state, proposer)!.hospital === hospital,
  );
  if (own.length >= REPORTS_EACH_MAX || reports.length >= REPORTS_OPEN_MAX) {
    return refuse(
      'too-many-reports',
      `a hospital’s publishers have at most ${REPORTS_EACH_MAX} reports open, a chain ${REPORTS_OPEN_MAX}`,
    );
  }
  open(scope, change);
  return null;
}

/** The account's id, of any key that it ever had; of a key that is nobody's the key itself. */
export function idOf(state: StateReader, key: Uint8Array): Uint8Array {
  return ownerOf(state, key)?.id ?? key;
}

/** Opens a change with the sender's approval. The same change as an open one counts as approving that one. */
function propose<C>(scope: CallScope<C>, change: Change): Refusal | null {
  const { state, sender, block } = scope;
  if (!hasSeat(state, sender)) return refuse('not-a-validator', 'only a validator with a seat proposes');
  const same = sameOpen(state, change);
  if (same !== undefined) return approveOpen(scope, same);
  spendOn(scope, change);
  const unfit = unfitness(state, block.height, change);
  if (unfit !== null) return unfit;
  const own = openProposalsOf(state).filter(({ proposer }) => equalBytes(proposer, sender));
  if (own.length >= PROPOSALS_EACH_MAX) {
    return refuse('too-many-proposals', `a validator has at most ${PROPOSALS_EACH_MAX} proposals open`);
  }
  return approveOpen(scope, open(scope, change));
}

function vote<C>(scope: CallScope<C>, id: number, cast: typeof approveOpen<C>): Refusal | null {
  const { state, sender } = scope;
  if (!hasSeat(state, sender)) return refuse('not-a-validator', 'only a validator with a seat votes');
  const proposal = proposalCell.get(state, id);
  if (proposal === null) {
    return refuse(
      'no-such-proposal',
      `proposal ${id} is not open: it took effect, was rejected, expired, or never was`,
    );
  }
  return cast(scope, proposal);
}

/** Are all of these of the sender's hospital, and of what a hospital decides alone? */
function isOwn(state: StateReader, sender: Uint8Array, change: AccountChange): boolean {
  const { hospital } = accountOf(state, sender)!;
  if (change.kind === 'leak') return false;
  if (change.kind === 'admit') {
    const { admitted } = paramsCell.get(state)!.levels;
    return change.candidate.hospital === hospital && change.candidate.level <= admitted;
  }
  return subjectsOf(change).every((id) => accountOf(state, id)?.hospital === hospital);
}

const notHeld = refuse(
  'not-held',
  'who holds the new key did not sign that it shall stand for this account of this hospital',
);
