import type { IncomingMessage } from 'node:http';
import type { Budget } from './budget.js';
import { RpcError } from './errors.js';
import type { RpcLimits } from './limits.js';

export interface Body {
  readonly bytes: Buffer;
  /** What it took of the budget: to be given back when the bytes are done with. */
  readonly taken: number;
}

/**
 * Reads a request's body into memory, bounded.
 *
 * What is too large is read to its end, or to as much again, and thrown away: a peer that still sends would not
 * see the answer otherwise. Throws RpcError 'oversized' or 'busy'; 'cancelled' if nobody is left to answer.
 */
export function readBody(request: IncomingMessage, limits: RpcLimits, budget: Budget): Promise<Body> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let taken = 0;
    let refused: RpcError | null = null;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > 2 * limits.bodyBytesMax) {
        refused = new RpcError('cancelled', 'the request does not end');
        request.destroy();
        return;
      }
      refused ??= size > limits.bodyBytesMax ? oversized(limits) : null;
      if (refused === null && size > limits.smallBytesMax) {
        if (budget.take(chunk.length)) taken += chunk.length;
        else refused = new RpcError('busy', 'too many large requests at once');
      }
      if (refused === null) chunks.push(chunk);
      else chunks.length = 0;
    });
    const settle = (fault: RpcError | null): void => {
      request.off('end', whole).off('error', broken).off('close', broken);
      if (fault === null) {
        resolve({ bytes: chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks), taken });
        return;
      }
      budget.give(taken);
      reject(fault);
    };
    const whole = () => settle(refused);
    // The request timed out or the socket broke: there is nobody to answer.
    const broken = (cause?: Error) =>
      settle(new RpcError('cancelled', refused?.message ?? 'the request broke off', { cause }));
    request.once('end', whole).once('error', broken).once('close', broken);
  });
}

function oversized(limits: RpcLimits): RpcError {
  return new RpcError('oversized', `a request has at most ${limits.bodyBytesMax} bytes`);
}

/** Numbers, texts, names and brackets in JSON bytes, counted without parsing; stops above `max`. */
export function countTokens(bytes: Buffer, max: number): number {
  const quote = 0x22;
  let tokens = 0;
  for (let at = 0; at < bytes.length && tokens <= max; at += 1) {
    const byte = bytes[at]!;
    // { [ , : each begin a value or a name.
    if (byte === 0x7b || byte === 0x5b || byte === 0x2c || byte === 0x3a) tokens += 1;
    if (byte !== quote) continue;
    for (
      at = bytes.indexOf(quote, at + 1);
      at >= 0 && isEscaped(bytes, at);
      at = bytes.indexOf(quote, at + 1)
    );
    if (at < 0) break;
  }
  return tokens;
}

/** An odd number of backslashes in front. */
function isEscaped(bytes: Buffer, at: number): boolean {
  let backslashes = 0;
  while (bytes[at - 1 - backslashes] === 0x5c) backslashes += 1;
  return backslashes % 2 === 1;
}
