import { z } from 'zod';
import { type ErrorWord, isErrorWord, RpcError } from './errors.js';
import type { Exchange, ExchangeSettings } from './httpExchange.js';

export interface CallOptions {
  /** Without waiting: `waitMs` of the parameters comes on top. 10 s unless told otherwise. */
  readonly timeoutMs?: number;
  /** Gives up when aborted, with RpcError 'cancelled'. */
  readonly signal?: AbortSignal;
}

export interface ClientOptions extends CallOptions {
  /** Further attempts when the node can't be reached or is busy: 2. Every method is safe to repeat. */
  readonly retries?: number;
  /** Of the node's administration, for admin methods. */
  readonly adminToken?: string;
}

/** Methods that a caller knows, by name. */
export type MethodTable = Readonly<
  Record<string, { readonly params: z.ZodType; readonly result: z.ZodType }>
>;

/** Calls a method; parameters and result in JSON form, the result checked by its schema. */
export type Caller<T extends MethodTable> = <M extends keyof T & string>(
  method: M,
  params: z.input<T[M]['params']>,
  options?: CallOptions,
) => Promise<z.output<T[M]['result']>>;

const TIMEOUT_MS = 10_000;
const RETRIES = 2;
const RETRY_PAUSE_MS = 100;

/**
 * `onAgain` sees an error of a repeated call: it gives the result where the error says that the first one had arrived.
 *
 * Throws RpcError: the node's own, or 'unreachable', 'timed-out', 'bad-answer', 'cancelled'.
 */
export function callerOf<T extends MethodTable>(
  url: string,
  exchange: Exchange,
  table: T,
  defaults: ClientOptions = {},
  onAgain: (method: string, params: unknown, error: RpcError) => unknown = () => null,
): Caller<T> {
  const { retries = RETRIES } = defaults;
  return async (method, params, options = {}) => {
    const settings = { timeoutMs: TIMEOUT_MS, ...defaults, ...options };
    const known = Object.hasOwn(table, method) ? table[method] : undefined;
    if (known === undefined) throw new RpcError('unknown-method', `there is no method ${method}`);
    for (let attempt = 0; ; attempt += 1) {
      try {
        return (await callOnce(url, exchange, known, method, params, settings)) as never;
      } catch (error) {
        if (!(error instanceof RpcError)) throw error;
        const taken = attempt > 0 ? onAgain(method, params, error) : null;
        if (taken !== null) return taken as never;
        const again = error.word === 'unreachable' || error.word === 'busy';
        if (!again || attempt >= retries) throw error;
        await pause(RETRY_PAUSE_MS * 2 ** attempt, settings.signal);
      }
    }
  };
}

async function callOnce(
  url: string,
  exchange: Exchange,
  { result }: MethodTable[string],
  method: string,
  params: unknown,
  settings: ExchangeSettings,
): Promise<unknown> {
  const { waitMs = 0 } = params as { readonly waitMs?: number };
  const request = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const text = await exchange(request, { ...settings, timeoutMs: settings.timeoutMs + waitMs });
  const answered = result.safeParse(resultIn(url, text));
  if (answered.success) return answered.data;
  const { path, message } = answered.error.issues[0]!;
  throw new RpcError(
    'bad-answer',
    `${url}: the result of ${method} is unlike its schema: ${path.join('.')}: ${message}`,
  );
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

function resultIn(url: string, text: string): unknown {
  const answer = answerSchema.safeParse(jsonIn(url, text));
  if (!answer.success) throw new RpcError('bad-answer', `${url} did not answer in JSON-RPC`);
  if (answer.data.error !== undefined) throw errorOf(url, answer.data.error);
  return answer.data.result;
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
