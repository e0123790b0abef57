import { bytesToHex, compareBytes } from '../crypto/index.js';
import { type Block, type Header, type ParentVote, parentVotesRoot, transactionsRoot } from './block.js';
import {
  anyNode,
  bool,
  bytes,
  DecodeError,
  formOf,
  fromNode,
  type Infer,
  list,
  nullable,
  record,
  text,
  uint,
} from './codec.js';
import {
  type BlockContext,
  type CallScope,
  type ChainEvent,
  type HeldPayload,
  isMarked,
  type Protocol,
  type Refusal,
  type Scope,
  type SenderFault,
} from './contract.js';
import { limits } from './limits.js';
import { merkleRoot, payloadId } from './merkle.js';
import {
  applyChanges,
  cell,
  createDraft,
  mergeDraft,
  readState,
  type StateAccess,
  type StateDraft,
} from './state.js';
import { type StateTree, treeRoot } from './stateTree.js';
import { createMeter, metered, OutOfSteps, stepCosts } from './steps.js';
import type { PayloadRef, VerifiedTransaction } from './transaction.js';

const eventCodec = record({ contract: text(64), kind: text(64), fields: anyNode });

/** What became of a transaction; `transaction` is null for the receipt of the block's own beginning. */
export const receiptCodec = record({
  transaction: nullable(bytes(32)),
  ok: bool,
  code: nullable(text(64)),
  detail: nullable(text(1024)),
  events: list(eventCodec, limits.eventsPerReceiptMax),
});
export type Receipt = Infer<typeof receiptCodec>;

const form = formOf(receiptCodec);

/** The bytes must not be changed: they are kept, for whoever needs them next. */
export function encodeReceipt(receipt: Receipt): Uint8Array {
  return form.encode(receipt);
}

/** Throws DecodeError. */
export function decodeReceipt(raw: Uint8Array): Receipt {
  return form.decode(raw, limits.receiptBytesMax);
}

/** The nonce that a key's next transaction must carry. By hex public key: a later key of an account begins at 0. */
export const nonceCell = cell('account/nonce', uint);

/** Why a block that holds this transaction would be invalid. */
export type TransactionInvalid =
  | SenderFault
  | 'wrong-nonce'
  | 'wrong-level'
  | 'not-its-turn'
  | 'missing-payload'
  | 'block-full';

/** A block on its way: beginBlock has run, transactions are taken one by one, `finish` seals it. */
export interface Execution {
  readonly transactions: readonly VerifiedTransaction[];
  /** `steps`: what the call came to. */
  take(
    transaction: VerifiedTransaction,
  ): { ok: true; receipt: Receipt; steps: number } | { ok: false; reason: TransactionInvalid };
  finish(): Executed;
}

export interface Executed {
  readonly state: StateTree;
  readonly changes: ReadonlyMap<string, Uint8Array | null>;
  readonly receipts: readonly Receipt[];
  /** Bytes that execution made (models, accumulators), by hex id: to be stored beside the state. */
  readonly payloads: ReadonlyMap<string, Uint8Array>;
  readonly receiptsRoot: Uint8Array;
  readonly nextRingRoot: Uint8Array;
  readonly stateRoot: Uint8Array;
}

/**
 * Starts a block on top of its parent's state: runs every contract's beginBlock.
 *
 * `level` is the block's: task transactions of another level make it invalid. `payloadOf` gives the bytes of
 * a payload that is held, a mark in their place if the block is decided and they are pruned, or null; it is told which
 * transaction (hex hash) asks. Deterministic; a contract that throws is a bug and is not caught.
 */
export function beginExecution<C>(
  protocol: Protocol<C>,
  parentState: StateTree,
  block: BlockContext<C>,
  level: number,
  payloadOf: (id: Uint8Array, transaction: string) => HeldPayload | null,
): Execution {
  const draft = createDraft(readState(parentState));
  const payloads = new Map<string, Uint8Array>();
  const receipts: Receipt[] = [beginBlock(protocol, draft, block, payloads)];
  const transactions: VerifiedTransaction[] = [];
  let announced = 0;
  let encoded = 0;
  let stepsBefore = 0;
  let hasTurn = false;

  return {
    transactions,
    take: (verified) => {
      const { transaction } = verified;
      const announcedNow = announced + transaction.payloads.reduce((sum, ref) => sum + ref.size, 0);
      const encodedNow = encoded + verified.size;
      const full =
        transactions.length >= limits.transactionsPerBlockMax ||
        stepsBefore >= limits.stepsPerBlockMax ||
        announcedNow > limits.payloadBytesPerBlockMax ||
        encodedNow > limits.transactionBytesPerBlockMax;
      if (full) return { ok: false, reason: 'block-full' };
      const sender = protocol.senderOf(draft, block.height, verified);
      if (!sender.ok) return sender;
      const fault = faultOf(draft, verified, level);
      if (fault !== null) return { ok: false, reason: fault };
      const takesTurn = transaction.level !== 0 && !hasTurn;
      if (takesTurn && !protocol.levels.mayHold(draft, level)) return { ok: false, reason: 'not-its-turn' };
      const bytesOf = transaction.payloads.map((ref) => ({ ref, bytes: payloadOf(ref.id, verified.id) }));
      if (bytesOf.some(({ ref, bytes: held }) => !isHeld(ref, held)))
        return { ok: false, reason: 'missing-payload' };
      if (takesTurn) {
        protocol.levels.noteTurn(draft, level);
        hasTurn = true;
      }
      protocol.countSent(draft, block.height, verified, sender.account);
      nonceCell.set(draft, transaction.nonce + 1, verified.sender);
      const held = bytesOf as CallScope<C>['payloads'];
      const sent = { verified, account: sender.account, payloads: held };
      const { receipt, steps } = call(protocol, draft, block, sent, payloads);
      stepsBefore += steps;
      transactions.push(verified);
      receipts.push(receipt);
      announced = announcedNow;
      encoded = encodedNow;
      return { ok: true, receipt, steps };
    },
    finish: () => {
      const state = applyChanges(parentState, draft.changes);
      return {
        state,
        changes: draft.changes,
        receipts,
        payloads,
        receiptsRoot: merkleRoot(receipts.map(encodeReceipt)),
        nextRingRoot: protocol.ringRootOf(draft, block.height + 1),
        stateRoot: treeRoot(state),
      };
    },
  };
}

/** The header of an executed block. Every field follows from the arguments; `body` holds what was executed. */
export function sealHeader<C>(
  context: BlockContext<C>,
  parentHash: Uint8Array,
  level: number,
  seed: { readonly seed: Uint8Array; readonly proof: Uint8Array | null },
  body: Pick<Block, 'transactions' | 'parentVotes'>,
  executed: Executed,
): Header {
  return {
    chainId: context.chainId,
    protocol: context.protocol,
    height: context.height,
    level,
    time: context.time,
    parent: parentHash,
    leader: context.leader,
    seed: seed.seed,
    seedProof: seed.proof,
    transactionsRoot: transactionsRoot(body),
    receiptsRoot: executed.receiptsRoot,
    parentVotesRoot: parentVotesRoot(body),
    nextRingRoot: executed.nextRingRoot,
    stateRoot: executed.stateRoot,
  };
}

/** Participants of the parent, as contracts see them. */
export function participantsOf(parentVotes: readonly ParentVote[]): readonly Uint8Array[] {
  return parentVotes.map(({ voter }) => voter).sort(compareBytes);
}

function beginBlock<C>(
  protocol: Protocol<C>,
  draft: StateDraft,
  block: BlockContext<C>,
  payloads: Map<string, Uint8Array>,
): Receipt {
  const events: ChainEvent[] = [];
  for (const contract of protocol.contracts) {
    contract.beginBlock?.(createScope(contract.name, draft, block, events, payloads));
  }
  return { transaction: null, ok: true, code: null, detail: null, events };
}

function faultOf(
  draft: StateDraft,
  { transaction, sender }: VerifiedTransaction,
  level: number,
): TransactionInvalid | null {
  const nonce = nonceCell.get(draft, sender) ?? 0;
  if (transaction.nonce !== nonce) return 'wrong-nonce';
  if (transaction.level !== 0 && transaction.level !== level) return 'wrong-level';
  return null;
}

function isHeld({ size }: PayloadRef, held: HeldPayload | null): boolean {
  return held !== null && (isMarked(held) || held.length === size);
}

function call<C>(
  protocol: Protocol<C>,
  draft: StateDraft,
  block: BlockContext<C>,
  {
    verified: { transaction, hash },
    account,
    payloads,
  }: Pick<CallScope<C>, 'payloads'> & {
    readonly verified: VerifiedTransaction;
    readonly account: Uint8Array;
  },
  emitted: Map<string, Uint8Array>,
): { readonly receipt: Receipt; readonly steps: number } {
  const kept = createDraft(draft);
  const attempt = createDraft(kept);
  const events: ChainEvent[] = [];
  const made = new Map<string, Uint8Array>();
  const meter = createMeter();
  const plain = createScope(transaction.contract, metered(attempt, meter), block, events, made);
  const scope: CallScope<C> = {
    state: plain.state,
    block,
    emitPayload: plain.emitPayload,
    emit: (kind, fields) => {
      meter.spend(stepCosts.event);
      plain.emit(kind, fields);
    },
    sender: account,
    level: transaction.level,
    payloads,
    kept: metered(kept, meter),
    spend: (work) => meter.spend(stepCosts.work[work]),
  };
  const refusal = bounded(() =>
    dispatch(protocol, scope, transaction.contract, transaction.method, transaction.args),
  );
  mergeDraft(kept, draft);
  const steps = meter.spent;
  if (refusal !== null) {
    const { code, detail } = refusal;
    return { receipt: { transaction: hash, ok: false, code, detail: clip(detail), events: [] }, steps };
  }
  mergeDraft(attempt, draft);
  for (const [id, payload] of made) emitted.set(id, payload);
  return { receipt: { transaction: hash, ok: true, code: null, detail: null, events }, steps };
}

/** A call that ran out of steps is refused, like one that its rule refuses. */
function bounded(run: () => Refusal | null): Refusal | null {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof OutOfSteps)) throw error;
    return { code: 'out-of-steps', detail: `the call takes ${error.message}: ask for less at once` };
  }
}

/** Details are for people, may quote the sender, and are hashed: bounded, and well-formed text. */
function clip(detail: string): string {
  return detail.slice(0, 300).toWellFormed();
}

function dispatch<C>(
  protocol: Protocol<C>,
  scope: CallScope<C>,
  contractName: string,
  methodName: string,
  args: unknown,
): Refusal | null {
  const contract = protocol.contracts.find(({ name }) => name === contractName);
  if (contract === undefined)
    return { code: 'unknown-contract', detail: `there is no contract ${contractName}` };
  if (!Object.hasOwn(contract.methods, methodName)) {
    return { code: 'unknown-method', detail: `${contractName} has no method ${methodName}` };
  }
  const { args: codec, apply } = contract.methods[methodName]!;
  let decoded: unknown;
  try {
    decoded = fromNode(codec, args, 'args');
  } catch (error) {
    if (error instanceof DecodeError) return { code: 'malformed-args', detail: error.message };
    throw error;
  }
  return apply(scope, decoded);
}

function createScope<C>(
  contract: string,
  state: StateAccess,
  block: BlockContext<C>,
  events: ChainEvent[],
  payloads: Map<string, Uint8Array>,
): Scope<C> {
  return {
    state,
    block,
    emit: (kind, fields) => {
      events.push({ contract, kind, fields });
    },
    emitPayload: (payload) => {
      const id = payloadId(payload);
      payloads.set(bytesToHex(id), payload);
      return { id, size: payload.length };
    },
  };
}
