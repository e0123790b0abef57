import { z } from 'zod';
import { bytesToHex, sha256 } from '../../crypto/index.js';
import { type ErrorWord, isErrorWord, RpcError } from './errors.js';
import { type Exchange, type ExchangeSettings, httpExchange } from './httpExchange.js';
import { base64ToBytes } from './json.js';
import { rpcLimits } from './limits.js';
import { type MethodName, methods, type ParamsOf, type ResultOf } from './methods/index.js';
import type { CommittedForm } from './methods/txGet.js';

export interface CallOptions {
  /** Without waiting: `waitMs` of the parameters comes on top. */
  readonly timeoutMs?: number;
  /** Gives up when aborted, with RpcError 'cancelled'. */
  readonly signal?: AbortSignal;
}

export interface ClientOptions extends CallOptions {
  /** Further attempts when the node can't be reached or is busy. Every method is safe to repeat. */
  readonly retries?: number;
}

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

const TIMEOUT_MS = 10_000;
const RETRIES = 2;
const RETRY_PAUSE_MS = 100;

/** A client of the node at an address, over HTTP. */
export function createClient(url: string, defaults: ClientOptions = {}): Client {
  return clientOver(url, httpExchange(url), defaults);
}

/** A client over any way to hand a node a request's text and get the answer's. */
export function clientOver(url: string, exchange: Exchange, defaults: ClientOptions = {}): Client {
  const { retries = RETRIES } = defaults;
  const call: Client['call'] = async (method, params, options = {}) => {
    const settings = { timeoutMs: TIMEOUT_MS, ...defaults, ...options };
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await callOnce(url, exchange, method, params, settings);
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        const taken = attempt > 0 ? takenBefore(method, params, error) : null;
        if (taken !== null) return taken as ResultOf<typeof method>;
        const again = error.word === 'unreachable' || error.word === 'busy';
        if (!again || attempt >= retries) throw error;
        await pause(RETRY_PAUSE_MS * 2 ** attempt, settings.signal);
      }
    }
  };
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
function takenBefore(method: MethodName, params: unknown, error: RpcError): { readonly hash: string } | null {
  if (method !== 'tx.submit' || error.word !== 'already-known') return null;
  return { hash: bytesToHex(sha256(base64ToBytes((params as ParamsOf<'tx.submit'>).transaction)!)) };
}

async function callOnce<M extends MethodName>(
  url: string,
  exchange: Exchange,
  method: M,
  params: ParamsOf<M>,
  settings: ExchangeSettings,
): Promise<ResultOf<M>> {
  const { waitMs = 0 } = params as { readonly waitMs?: number };
  const request = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const text = await exchange(request, { ...settings, timeoutMs: settings.timeoutMs + waitMs });
  return resultOf(url, method, text);
}

const answerSchema = z.union([
  z.object({ result: z.unknown(), error: z.undefined().optional() }),
  z.object({
    error: z.object({
      code: z.number(),
      message: z.string(),
      data: z.object({ code: z.string(), path: z.string().optional() }).optional(),
    }),
  }),
]);

function resultOf<M extends MethodName>(url: string, method: M, text: string): ResultOf<M> {
  const answer = answerSchema.safeParse(jsonIn(url, text));
  if (!answer.success) throw new RpcError('bad-answer', `${url} did not answer in JSON-RPC`);
  if (answer.data.error !== undefined) throw errorOf(url, answer.data.error);
  const result = methods[method].result.safeParse(answer.data.result);
  if (result.success) return result.data as ResultOf<M>;
  const { path, message } = result.error.issues[0]!;
  throw new RpcError(
    'bad-answer',
    `${url}: the result of ${method} is unlike its schema: ${path.join('.')}: ${message}`,
  );
}

function jsonIn(url: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RpcError('bad-answer', `${url} did not answer in JSON`, { cause });
  }
}

function errorOf(
  url: string,
  error: { code: number; message: string; data?: { code: string; path?: string | undefined } | undefined },
): RpcError {
  const word: unknown = error.data?.code;
  if (!isErrorWord(word)) {
    return new RpcError(
      'bad-answer',
      `${url} answered with an unknown error ${error.code}: ${error.message}`,
    );
  }
  const path = error.data?.path;
  return new RpcError(word satisfies ErrorWord, error.message, path === undefined ? {} : { path });
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = () => {
      clearTimeout(timer);
      reject(new RpcError('cancelled', 'the call was cancelled'));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', cancel);
      resolve();
    }, ms);
    if (signal?.aborted === true) cancel();
    else signal?.addEventListener('abort', cancel, { once: true });
  });
}
