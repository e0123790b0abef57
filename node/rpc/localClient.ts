import { createSharedAbort } from '../sharedAbort.js';
import { type Client, clientOver } from './client.js';
import type { RpcContext } from './context.js';
import { dispatch, type OnBug } from './dispatch.js';
import { RpcError } from './errors.js';
import { rpcLimits } from './limits.js';

/**
 * A client of the node in this very process: the same requests, checks and answers as over HTTP, without a socket.
 * For the devices that a node hosts, which call it several times a round each.
 *
 * A call ends with its signal; 'timed-out' does not happen, since whoever waits here is the one who answers.
 */
export function createLocalClient({
  url,
  context,
  onBug,
}: {
  /** Where others reach the node: names this client in messages. */
  readonly url: string;
  readonly context: RpcContext;
  readonly onBug: OnBug;
}): Client {
  const never = createSharedAbort().signal;
  return clientOver(url, async (request, { signal = never }) => {
    const waitsUntil = performance.now() + rpcLimits.waitMsMax;
    const scope = { context, fromLoopback: true, waitsUntil, signal };
    const { body } = await dispatch(Buffer.from(request), scope, rpcLimits, onBug);
    if (signal.aborted) throw new RpcError('cancelled', 'the call was cancelled');
    return body!;
  });
}
