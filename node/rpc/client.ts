import { bytesToHex, sha256 } from '../../crypto/index.js';
import { type CallOptions, type ClientOptions, callerOf } from './caller.js';
import { RpcError } from './errors.js';
import { type Exchange, httpExchange } from './httpExchange.js';
import { base64ToBytes } from './json.js';
import { rpcLimits } from './limits.js';
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
  const call: Client['call'] = callerOf(url, exchange, methods, defaults, takenBefore);
  const waitFor: Client['waitFor'] = async (hash, timeoutMs, options) => {
    const until = performance.now() + timeoutMs;
    for (;;) {
      const leftMs = Math.max(0, Math.ceil(until - performance.now()));
      const waitMs = Math.min(leftMs, rpcLimits.waitMsMax);
      const found = await call('tx.get', { hash, waitMs }, options);
      if (found.status === 'committed') return found;
      if (leftMs <= waitMs) throw new RpcError('timed-out', `no block held ${hash} within ${timeoutMs} ms`);
    }
  };
  return {
    url,
    call,
    waitFor,
    submitAndWait: async (submission, timeoutMs, options) => {
      const { hash } = await call('tx.submit', submission, options);
      return waitFor(hash, timeoutMs, options);
    },
  };
}

/** A repeated submission that the node already knows: the attempt whose answer was lost did arrive. */
function takenBefore(method: string, params: unknown, error: RpcError): { readonly hash: string } | null {
  if (method !== 'tx.submit' || error.word !== 'already-known') return null;
  return { hash: bytesToHex(sha256(base64ToBytes((params as ParamsOf<'tx.submit'>).transaction)!)) };
}
