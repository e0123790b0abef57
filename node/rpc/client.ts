import type { CallOptions, ClientOptions } from './caller.js';
import { clientWith } from './clientWith.js';
import { type Exchange, httpExchange } from './httpExchange.js';
import { type MethodName, methods, type ParamsOf, type ResultOf } from './methods/index.js';
import type { CommittedForm } from './methods/txGet.js';

/** Talks to one node. Connections are kept alive and never keep the process from ending. */
export interface Client {
  readonly url: string;
  /**
   * Parameters and result in JSON form, both typed by the method's schemas; the result is checked.
   *
   * Throws RpcError: the node's own, or 'unreachable', 'timed-out', 'bad-answer', 'cancelled'.
   */
  call<M extends MethodName>(method: M, params: ParamsOf<M>, options?: CallOptions): Promise<ResultOf<M>>;
  /** Hands in a transaction and waits until a block holds it; RpcError 'timed-out' if none does in time. */
  submitAndWait(
    submission: ParamsOf<'tx.submit'>,
    timeoutMs: number,
    options?: CallOptions,
  ): Promise<Committed>;
  /** Waits until a block holds a transaction; RpcError 'timed-out' if none does in time. */
  waitFor(hash: string, timeoutMs: number, options?: CallOptions): Promise<Committed>;
}

/** A transaction in a block. `ok` false: the contract refused it, `code` and `detail` say why. */
export type Committed = CommittedForm;

/** A client of the node at an address, over HTTP. */
export function createClient(url: string, defaults: ClientOptions = {}): Client {
  return clientOver(url, httpExchange(url, defaults.adminToken), defaults);
}

/** A client over any way to hand a node a request's text and get the answer's. */
export function clientOver(url: string, exchange: Exchange, defaults: ClientOptions = {}): Client {
  return clientWith(methods, url, exchange, defaults);
}
