import type { Stream } from '@libp2p/interface';
import { NetError } from './errors.js';

/**
 * Frame of a request or response on a stream: 5 bytes and the body, big-endian. One frame each way a stream.
 *
 *   0  u8   kind: 0 request, else `answerKinds`
 *   1  u32  body bytes
 */
export interface Frame {
  readonly kind: number;
  readonly body: Uint8Array;
}

export const requestKind = 0;

const HEAD_BYTES = 5;

/** Queues a frame on the stream, whose own buffer then holds it until the link has taken it. */
export function sendFrame(stream: Stream, { kind, body }: Frame): void {
  const head = new Uint8Array(HEAD_BYTES);
  head[0] = kind;
  new DataView(head.buffer).setUint32(1, body.length);
  stream.send(head);
  if (body.length > 0) stream.send(body);
}

/**
 * Reads one frame. Listens from the call on, so call it before sending what it answers.
 *
 * The length is checked before the body is allocated. Fails with NetError "too-large", "malformed" (bytes after the
 *   frame), "closed" (the stream ended first), or the signal's reason. The stream is left for the caller to close.
 */
export function receiveFrame(stream: Stream, bytesMax: number, signal: AbortSignal): Promise<Frame> {
  return new Promise((resolve, reject) => {
    const assembly = new Assembly(bytesMax);
    const settle = (action: () => void) => {
      stream.removeEventListener('message', onMessage);
      stream.removeEventListener('end', onEnd);
      stream.removeEventListener('close', onEnd);
      signal.removeEventListener('abort', onAbort);
      action();
    };
    const onMessage = (event: { data: { subarray(): Uint8Array } }) => {
      try {
        const frame = assembly.push(event.data.subarray());
        if (frame !== null) settle(() => resolve(frame));
      } catch (error) {
        settle(() => reject(error));
      }
    };
    const onEnd = () => settle(() => reject(new NetError('closed', 'stream ended before its frame')));
    const onAbort = () => settle(() => reject(signal.reason));
    if (signal.aborted) return onAbort();
    signal.addEventListener('abort', onAbort);
    stream.addEventListener('end', onEnd);
    stream.addEventListener('close', onEnd);
    stream.addEventListener('message', onMessage);
    if (stream.readableEnded && stream.readBufferLength === 0) onEnd();
  });
}

/** Puts a frame together from the pieces in which it arrives. */
class Assembly {
  readonly #bytesMax: number;
  readonly #head = new Uint8Array(HEAD_BYTES);
  #headBytes = 0;
  #body: Uint8Array | null = null;
  #bodyBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  push(piece: Uint8Array): Frame | null {
    const taken = Math.min(piece.length, HEAD_BYTES - this.#headBytes);
    this.#head.set(piece.subarray(0, taken), this.#headBytes);
    this.#headBytes += taken;
    if (this.#headBytes < HEAD_BYTES) return null;
    const body = this.#bodyOfHead();
    const rest = piece.subarray(taken);
    if (rest.length > body.length - this.#bodyBytes) throw new NetError('malformed', 'bytes after the frame');
    body.set(rest, this.#bodyBytes);
    this.#bodyBytes += rest.length;
    return this.#bodyBytes < body.length ? null : { kind: this.#head[0]!, body };
  }

  #bodyOfHead(): Uint8Array {
    if (this.#body === null) {
      const length = new DataView(this.#head.buffer).getUint32(1);
      if (length > this.#bytesMax) {
        throw new NetError('too-large', `frame of ${length} bytes, at most ${this.#bytesMax}`);
      }
      this.#body = new Uint8Array(length);
    }
    return this.#body;
  }
}
