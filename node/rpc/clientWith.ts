import { bytesToHex, sha256 } from '../../crypto/index.js';
import { type ClientOptions, callerOf, type MethodTable } from './caller.js';
import type { Client } from './client.js';
import { RpcError } from './errors.js';
import type { Exchange } from './httpExchange.js';
import { base64ToBytes } from './json.js';
import { rpcLimits } from './limits.js';
import type { ParamsOf } from './methods/index.js';

/**
 * A client that checks results by the schemas of a table: those of the methods themselves, or what rpc.discover says of
 * them, which is the same without the code behind.
 */
export function clientWith(
  table: MethodTable,
  url: string,
  exchange: Exchange,
  defaults: ClientOptions = {},
): Client {
  const call = callerOf(url, exchange, table, defaults, takenBefore) as Client['call'];
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
