import type { Codec } from './codec.js';
import type { StateAccess, StateReader } from './state.js';
import type { Work } from './steps.js';
import type { PayloadRef, VerifiedTransaction } from './transaction.js';

/** Something that happened, as receipts keep it: a contract's name, a kind, and fields for people and tools. */
export interface ChainEvent {
  readonly contract: string;
  readonly kind: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A contract's no: a stable code and a sentence that says what to do. It consumes the nonce. */
export interface Refusal {
  readonly code: string;
  readonly detail: string;
}

/**
 * Stands for payload bytes that nobody holds any more: what became of the transaction that announced them, by its
 * receipt. Only decided blocks are executed with one; whoever does so reports it.
 */
export interface MarkedPayload {
  /** Null: the transaction was accepted. Else its refusal, which a check of the bytes must repeat. */
  readonly refusal: Refusal | null;
}
export type HeldPayload = Uint8Array | MarkedPayload;

export function isMarked(held: HeldPayload): held is MarkedPayload {
  return !(held instanceof Uint8Array);
}

/** What a block is to the contracts. Unit: time in milliseconds. */
export interface BlockContext<C> {
  readonly chainId: Uint8Array;
  /** Version of the rules that this block is executed by. */
  readonly protocol: number;
  readonly height: number;
  readonly time: number;
  readonly leader: Uint8Array | null;
  /**
   * `committee`: the parent's in its order, empty at genesis; its first member was to lead. `leader` is null if
   * that one's block failed and the empty one stands there.
   */
  readonly parent: {
    readonly height: number;
    readonly time: number;
    readonly leader: Uint8Array | null;
    readonly committee: readonly Uint8Array[];
  };
  /** The members whose cert votes for the parent the block carries, sorted. Empty for the empty block. */
  readonly participants: readonly Uint8Array[];
  /** Outcomes of the closings that are due, by id: computed beforehand, never read from a block. */
  readonly closings: ReadonlyMap<string, C>;
}

export interface Scope<C> {
  readonly state: StateAccess;
  readonly block: BlockContext<C>;
  emit(kind: string, fields: Readonly<Record<string, unknown>>): void;
  /** Hands bytes to the payload store; the state keeps only their id, which is returned. */
  emitPayload(payload: Uint8Array): PayloadRef;
}

export interface CallScope<C> extends Scope<C> {
  /** The sender's account, by its id; the key that signed may be a later one (`Protocol.senderOf`). */
  readonly sender: Uint8Array;
  readonly level: number;
  /** Payload references of the transaction, with their bytes, which the block's holders have; or their mark. */
  readonly payloads: readonly { readonly ref: PayloadRef; readonly bytes: HeldPayload }[];
  /**
   * Lies under `state`, and what is written here stays when the call is refused: what follows from the transaction's
   * being in the block at all. A rule writes here first, and reads it through `state`.
   */
  readonly kept: StateAccess;
  /** Says that dear work follows, before it is done. A call that comes to too many steps ends there, refused. */
  spend(work: Work): void;
}

/** `args` decodes what the sender sent, before the rule sees it. */
export interface Method<C> {
  readonly args: Codec<unknown>;
  apply(scope: CallScope<C>, args: unknown): Refusal | null;
}

export interface Contract<C> {
  readonly name: string;
  readonly methods: Readonly<Record<string, Method<C>>>;
  /** Runs at the start of every block, the empty one included. It cannot refuse. */
  beginBlock?(scope: Scope<C>): void;
}

/** A block holds task transactions of one level; this says of which. */
export interface LevelRule {
  /** May a block on this state hold transactions of this level? If not, it is invalid. */
  mayHold(state: StateReader, level: number): boolean;
  /** A block does. Called once a block, before its first task transaction runs. */
  noteTurn(state: StateAccess, level: number): void;
  /** Which of the levels that wait, in order of arrival, a leader takes; 0: none may go. */
  choose(state: StateReader, waiting: readonly number[]): number;
}

/**
 * Why no block may hold a transaction of this sender now. Not a refusal that leaves a receipt: what stands in a block
 * is published and takes its place, whatever becomes of the call.
 */
export type SenderFault = 'unknown-sender' | 'suspended' | 'rate-limited';

/** `account`: the stable id of the account that the key signs for; contracts know it as the sender. */
export type Sender =
  | { readonly ok: true; readonly account: Uint8Array }
  | { readonly ok: false; readonly reason: SenderFault };

/** The contracts of a chain in their order, and the questions that execution has for them. */
export interface Protocol<C> {
  readonly contracts: readonly Contract<C>[];
  readonly levels: LevelRule;
  /** Whose transaction is it, and may it stand in the block at `height`? */
  senderOf(state: StateReader, height: number, transaction: VerifiedTransaction): Sender;
  /** It stands there: writes what is counted of an account's transactions. Before the call, whatever becomes of that. */
  countSent(state: StateAccess, height: number, transaction: VerifiedTransaction, account: Uint8Array): void;
  /** The root of the ring that draws the committee of `height`, from the state after its parent. */
  ringRootOf(state: StateReader, height: number): Uint8Array;
}

/** Declares a method: the rule is typed by the codec of its arguments. */
export function method<C, A>(
  args: Codec<A>,
  apply: (scope: CallScope<C>, args: A) => Refusal | null,
): Method<C> {
  return { args: args as Codec<unknown>, apply: (scope, decoded) => apply(scope, decoded as A) };
}

export function refuse(code: string, detail: string): Refusal {
  return { code, detail };
}
