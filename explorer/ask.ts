import type { MethodName, ParamsOf, ResultOf } from '../node/rpc/index.js';

/** What this page asks of the node that serves it. Nobody else is ever asked. */

export class NodeError extends Error {
  override readonly name = 'NodeError';
  constructor(
    readonly code: string,
    message: string,
    readonly advice: string | null,
  ) {
    super(message);
  }
}

/** The node's own answers are not checked again here; what has to be believed from nobody goes to the proof page. */
export async function ask<M extends MethodName>(method: M, params: ParamsOf<M>): Promise<ResultOf<M>> {
  const response = await fetch('/', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  }).catch(() => {
    throw new NodeError('unreachable', 'The node does not answer.', 'Check that it runs.');
  });
  const { result, error } = (await response.json()) as {
    readonly result?: ResultOf<M>;
    readonly error?: {
      readonly message: string;
      readonly data: { readonly code: string; readonly advice: string };
    };
  };
  if (error !== undefined) throw new NodeError(error.data.code, error.message, error.data.advice);
  return result as ResultOf<M>;
}
