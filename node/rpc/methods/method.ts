import type { z } from 'zod';
import type { RpcContext } from '../context.js';
import type { Subscriptions } from '../socket/subscriptions.js';

/** What a call may use, beside its parameters. */
export interface CallScope {
  readonly context: RpcContext;
  /** Did the request come from this machine? */
  readonly fromLoopback: boolean;
  /** Did the request carry the token of the node's administration? Left out: no. */
  readonly isAdmin?: boolean;
  /** When all waiting of this HTTP request ends, in milliseconds of `performance.now()`. */
  readonly waitsUntil: number;
  /** Aborted when the caller has gone or the server closes. */
  readonly signal: AbortSignal;
  /** Those of the caller's WebSocket; over anything else there are none. */
  readonly subscriptions?: Subscriptions;
}

/**
 * One method: its schemas are the documentation, the check and the client's types.
 *
 * `run` throws RpcError for what the caller did wrong; anything else that it throws is a bug.
 */
export interface Method<P extends z.ZodType, R extends z.ZodType> {
  readonly summary: string;
  readonly params: P;
  readonly result: R;
  /** The result depends on the head and the parameters alone: it is kept until the next block (headAnswers.ts). */
  readonly ofHead?: true;
  run(scope: CallScope, params: z.output<P>): z.input<R> | Promise<z.input<R>>;
}

export function defineMethod<P extends z.ZodType, R extends z.ZodType>(method: Method<P, R>): Method<P, R> {
  return method;
}
