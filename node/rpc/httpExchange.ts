import { concatBytes } from '../../crypto/index.js';
import { RpcError } from './errors.js';
import { rpcLimits } from './limits.js';

export interface ExchangeSettings {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Hands a node the text of a JSON-RPC request and gets the answer's. Throws RpcError. */
export type Exchange = (request: string, settings: ExchangeSettings) => Promise<string>;

/** Over HTTP; `token`: of the node's administration. Throws RpcError 'unreachable', 'timed-out', 'cancelled', 'bad-answer' (an answer without end). */
export function httpExchange(url: string, token?: string): Exchange {
  return async (body, settings) => {
    const timeout = AbortSignal.timeout(settings.timeoutMs);
    const signal = settings.signal === undefined ? timeout : AbortSignal.any([settings.signal, timeout]);
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        },
        body,
        redirect: 'error',
        signal,
      });
      return await readText(response);
    } catch (error) {
      if (error instanceof RpcError) throw error;
      throw transportError(url, error, timeout, settings);
    }
  };
}

function transportError(
  url: string,
  cause: unknown,
  timeout: AbortSignal,
  { signal, timeoutMs }: ExchangeSettings,
): RpcError {
  if (signal?.aborted === true) return new RpcError('cancelled', 'the call was cancelled', { cause });
  if (timeout.aborted)
    return new RpcError('timed-out', `${url} did not answer within ${timeoutMs} ms`, { cause });
  const reason = (cause as { cause?: { code?: string } }).cause?.code ?? (cause as Error).message;
  return new RpcError('unreachable', `${url} cannot be reached (${reason})`, { cause });
}

/** The body, bounded: an answer of any size is not read because someone sends it. */
async function readText(response: Response): Promise<string> {
  const max = rpcLimits.answerBytesMax + rpcLimits.smallBytesMax;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > max) throw new RpcError('bad-answer', `the answer has more than ${max} bytes`);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(concatBytes(...chunks));
}
