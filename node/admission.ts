import {
  DecodeError,
  fromNode,
  type Infer,
  limits,
  payloadId,
  readState,
  type SenderFault,
  type StateReader,
  type StateTree,
  type Transaction,
  type VerifiedTransaction,
  verifyTransaction,
} from '../chain/index.js';
import type { Tip } from '../consensus/index.js';
import {
  accountOf,
  answerCodec,
  canCharge,
  checkAnswer,
  checkUpdate,
  costIn,
  enrolledCell,
  ownerOf,
  senderOf,
  submittedCell,
  type Task,
  taskCell,
  updateArgsCodec,
} from '../contracts/index.js';
import { bytesToHex, equalBytes } from '../crypto/index.js';
import type { MempoolFault } from './mempool.js';

/** Why a transaction was not taken; each is an RPC error of its own (rpc/errors.ts). */
export type SubmitFault =
  | 'wrong-chain'
  | 'bad-signature'
  | 'oversize'
  | SenderFault
  | 'wrong-nonce'
  | 'wrong-level'
  | 'payload-mismatch'
  | 'mempool-full'
  | 'already-known'
  /** Malformed: found before it costs a block. */
  | 'refused';

export type Admission =
  | { readonly ok: true; readonly verified: VerifiedTransaction }
  | { readonly ok: false; readonly code: SubmitFault; readonly detail: string };

/**
 * What a node checks of a transaction before it passes it on, so that nothing hopeless costs a block: chain,
 * size, signature, sender, its rate, and level. Its payloads are looked at afterwards: only an account may cost their pull.
 */
export function admitEnvelope(
  transaction: Transaction,
  chainId: Uint8Array,
  { state: tree, height }: Pick<Tip, 'state' | 'height'>,
): Admission {
  const checked = verifyTransaction(transaction, chainId);
  if (!checked.ok) return { ok: false, code: checked.reason, detail: sentences[checked.reason] };
  const state = readState(tree);
  const sender = senderOf(state, height + 1, checked.value);
  if (!sender.ok) return { ok: false, code: sender.reason, detail: sentences[sender.reason] };
  const account = accountOf(state, sender.account)!;
  // A device goes on with the tasks that it is enrolled in when its own level has changed.
  const level = taskOfUpdate(state, transaction)?.spec.level ?? account.level;
  if (account.role === 'device' && transaction.level !== 0 && transaction.level !== level) {
    return {
      ok: false,
      code: 'wrong-level',
      detail: `a device of level ${level} sends at that level, or at 0`,
    };
  }
  if (transaction.payloads.length > 0 && !isUpdate(transaction)) {
    return { ok: false, code: 'payload-mismatch', detail: 'only training.update carries a payload' };
  }
  return { ok: true, verified: checked.value };
}

/** The task that an update names, if it is one that can be read. */
function taskOfUpdate(state: StateReader, transaction: Transaction): Task | null {
  if (!isUpdate(transaction)) return null;
  try {
    return taskCell.get(state, fromNode(updateArgsCodec, transaction.args, 'args').task);
  } catch (error) {
    if (error instanceof DecodeError) return null; // refused behind this
    throw error;
  }
}

function isUpdate({ contract, method }: Transaction): boolean {
  return contract === 'training' && method === 'update';
}

/**
 * The payloads are those announced, an update lies on its lattice and under its norm cap, and neither it nor an answer to
 * an evaluation overdraws. Null: so it is.
 */
export function payloadFault(
  transaction: Transaction,
  payloads: readonly Uint8Array[],
  tree: StateTree,
): Extract<Admission, { ok: false }> | null {
  const mismatch = payloadMismatch(transaction, payloads);
  if (mismatch !== null) return { ok: false, code: 'payload-mismatch', detail: mismatch };
  const state = readState(tree);
  const refused = refusedUpdate(state, transaction, payloads) ?? refusedAnswer(state, transaction);
  return refused === null ? null : { ok: false, code: 'refused', detail: refused };
}

/** The mempool's answer in the RPC's words. */
export const mempoolFaults: Readonly<Record<MempoolFault, readonly [SubmitFault, string]>> = {
  known: ['already-known', 'this node has the transaction already'],
  'wrong-nonce': ['wrong-nonce', 'ask account.get for the next nonce; one transaction a nonce'],
  'mempool-full': ['mempool-full', 'the node has too many transactions waiting; try again later'],
};

const sentences = {
  'wrong-chain': 'the transaction names another chain; compare chain.status',
  'bad-signature': 'the signature is not that of the sender’s key',
  'unknown-sender': 'this key has no account on the chain, or signs for it no more',
  suspended: 'this account is suspended: its hospital reinstates it',
  'rate-limited': 'this account has sent all that it may in this era: send it again in the next one',
  oversize: `a transaction has at most ${limits.transactionBytesMax} bytes`,
} as const;

function payloadMismatch(transaction: Transaction, payloads: readonly Uint8Array[]): string | null {
  if (payloads.length !== transaction.payloads.length) {
    return `${payloads.length} payloads for ${transaction.payloads.length} announced`;
  }
  for (const [i, ref] of transaction.payloads.entries()) {
    const payload = payloads[i]!;
    if (payload.length !== ref.size) return `payload ${i} has ${payload.length} bytes, announced ${ref.size}`;
    if (!equalBytes(payloadId(payload), ref.id)) return `payload ${i} is not the announced one`;
  }
  return null;
}

function refusedUpdate(
  state: StateReader,
  transaction: Transaction,
  payloads: readonly Uint8Array[],
): string | null {
  if (!isUpdate(transaction) || payloads.length !== 1) return null;
  let args: Infer<typeof updateArgsCodec>;
  try {
    args = fromNode(updateArgsCodec, transaction.args, 'args');
  } catch (error) {
    return (error as Error).message;
  }
  const task = taskCell.get(state, args.task);
  const id = ownerOf(state, transaction.from)?.id ?? transaction.from;
  const enrolled = enrolledCell.get(state, args.task)?.find(({ device }) => equalBytes(device, id));
  if (task === null || enrolled === undefined) return 'the device is not enrolled for this task';
  if (args.round <= (submittedCell.get(state, task.id, bytesToHex(id)) ?? 0)) {
    return `this device's update for round ${args.round} is in a block already`;
  }
  const unfit = checkUpdate(state, task, args.round, enrolled.units, payloads[0]!);
  if (unfit !== null) return unfit.detail;
  if (task.spec.privacy.sigma16 === 0) return null;
  const [device, dataset] = [bytesToHex(id), bytesToHex(enrolled.dataset)];
  if (canCharge(state, device, dataset, costIn(state, device, dataset, task))) return null;
  return 'this update would overdraw the privacy budget declared for the dataset: it stays unpublished';
}

function refusedAnswer(
  state: StateReader,
  { contract, method, args, chainId, from }: Transaction,
): string | null {
  if (contract !== 'evaluation' || method !== 'answer') return null;
  let answer: Infer<typeof answerCodec>;
  try {
    answer = fromNode(answerCodec, args, 'args');
  } catch (error) {
    return (error as Error).message;
  }
  return checkAnswer(state, chainId, ownerOf(state, from)?.id ?? from, answer)?.detail ?? null;
}
