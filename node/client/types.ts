import type { CallOptions } from '../rpc/caller.js';
import type { RpcItems, RpcMethods } from './methods.js';
import type { TaskFile } from './taskFile.js';

export type { CallOptions, ClientOptions } from '../rpc/caller.js';

export type MethodName = keyof RpcMethods;
export type Params<M extends MethodName> = RpcMethods[M]['params'];
export type Result<M extends MethodName> = RpcMethods[M]['result'];
export type Topic = keyof RpcItems;

/** A transaction in a block. `ok` false: the contract refused it, `code` and `detail` say why. */
export type Committed = Extract<Result<'tx.get'>, { readonly status: 'committed' }>;

/** A place in the chain between two items. */
export interface Place {
  readonly height: number;
  readonly index: number;
}

export interface FollowOptions extends CallOptions {
  /** The `next` of the last item that was handled. Left out: what comes from now on. */
  readonly from?: Place;
  readonly contract?: string;
  readonly kind?: string;
  readonly task?: number;
  /** Attempts to connect again, one after another without an item in between. */
  readonly retries?: number;
}

/** One item. Keep `next`: whoever goes on from there has lost nothing and sees nothing twice. */
export interface Item<T extends Topic> {
  readonly at: Place;
  readonly next: Place;
  readonly item: RpcItems[T];
}

/** Talks to one node. */
export interface Client {
  readonly url: string;
  /** Calls a method; the result is checked by the method's schema. Throws RpcError. */
  call<M extends MethodName>(method: M, params: Params<M>, options?: CallOptions): Promise<Result<M>>;
  /** Waits until a block holds a transaction; RpcError 'timed-out' if none does in time. */
  waitFor(hash: string, timeoutMs: number, options?: CallOptions): Promise<Committed>;
  /** Follows blocks or events over a WebSocket, connecting again where it broke off. Throws RpcError. */
  follow<T extends Topic>(topic: T, options?: FollowOptions): AsyncGenerator<Item<T>, void, void>;
  /** Signs for an account, on the chain that the node names. `secret`: 32 bytes, or their hex. Throws RpcError. */
  wallet(secret: Uint8Array | string, options?: CallOptions): Promise<Wallet>;
}

/** A call of a contract's method. `args` is the form that the contract's codec knows. */
export interface ContractCall {
  readonly contract: string;
  readonly method: string;
  /** 0: not about a task. */
  readonly level?: number;
  readonly args: unknown;
  readonly payloads?: readonly Uint8Array[];
}

export interface PublishedTask {
  readonly task: number;
  readonly transaction: string;
  readonly height: number;
}

/** One account's key, which never leaves the process or page: transactions are signed here. */
export interface Wallet {
  /** Lower-case hex. */
  readonly publicKey: string;
  /** Signs with the next nonce and hands in; gives the transaction's hash. Throws RpcError. */
  send(call: ContractCall, options?: CallOptions): Promise<string>;
  /** Waits until a block holds it; RpcError 'timed-out' if none does in time. */
  wait(hash: string, timeoutMs: number, options?: CallOptions): Promise<Committed>;
  /**
   * Publishes a training task, written as a task file is, and waits up to 30 s for its block. The noise is computed here.
   *
   * Throws TaskFileError for what is wrong with the task as such; RpcError 'refused' if the contract refuses it.
   */
  publishTask(task: TaskFile, options?: CallOptions): Promise<PublishedTask>;
}
