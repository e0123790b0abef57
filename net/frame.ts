import type { Stream } from '@libp2p/interface';
import { NetError } from './errors.js';

/**
 * Frame of a request or an answer on a stream: 9 bytes and the body, big-endian. A stream carries the requests of
 * one protocol one way and their answers the other, in any order.
 *
 *   0  u8   kind: 0 request, else `answerKinds`
 *   1  u32  number of the request, chosen by the asker, once a stream; an answer carries that of its request
 *   5  u32  body bytes
 */
export interface Frame {
  readonly kind: number;
  readonly number: number;
  readonly body: Uint8Array;
}

export type FrameHead = Omit<Frame, 'body'> & { readonly bodyBytes: number };

export const requestKind = 0;

export const HEAD_BYTES = 9;

export interface FrameReaderOptions {
  /** Before the body is allocated: throws for a frame that is not welcome. */
  readonly onHead: (head: FrameHead) => void;
  readonly onFrame: (frame: Frame) => void;
}

/** Puts frames together from the pieces in which they arrive; each byte of a body is copied once. */
export class FrameReader {
  readonly #options: FrameReaderOptions;
  readonly #headBytes = new Uint8Array(HEAD_BYTES);
  /** Bytes of the frame that is arriving, head and body. */
  #taken = 0;
  #head: FrameHead | null = null;
  #body = new Uint8Array(0);

  constructor(options: FrameReaderOptions) {
    this.#options = options;
  }

  /** A frame has begun and is not whole. */
  get isPartway(): boolean {
    return this.#taken > 0;
  }

  /** Throws what `onHead` throws. */
  push(data: Iterable<Uint8Array>): void {
    for (const piece of data) {
      for (let at = 0; at < piece.length; ) at += this.#take(piece.subarray(at));
    }
  }

  /** Takes what belongs to one frame; gives how much that was. */
  #take(piece: Uint8Array): number {
    if (this.#head === null) {
      const bytes = Math.min(piece.length, HEAD_BYTES - this.#taken);
      this.#headBytes.set(piece.subarray(0, bytes), this.#taken);
      this.#taken += bytes;
      if (this.#taken === HEAD_BYTES) this.#begin();
      return bytes;
    }
    const filled = this.#taken - HEAD_BYTES;
    const bytes = Math.min(piece.length, this.#body.length - filled);
    this.#body.set(piece.subarray(0, bytes), filled);
    this.#taken += bytes;
    if (filled + bytes === this.#body.length) this.#end(this.#head);
    return bytes;
  }

  #begin(): void {
    const view = new DataView(this.#headBytes.buffer);
    const head = { kind: this.#headBytes[0]!, number: view.getUint32(1), bodyBytes: view.getUint32(5) };
    this.#options.onHead(head);
    this.#head = head;
    this.#body = new Uint8Array(head.bodyBytes);
    if (head.bodyBytes === 0) this.#end(head);
  }

  #end({ kind, number }: FrameHead): void {
    const body = this.#body;
    this.#head = null;
    this.#taken = 0;
    this.#body = new Uint8Array(0);
    this.#options.onFrame({ kind, number, body });
  }
}

/** Frames up to so many bytes in sum leave the sender as one message. */
const JOINED_BYTES_MAX = 256 * 1024;

/**
 * Sends frames over a stream. Those of one turn of the event loop leave together: each message costs an encryption
 * and two writes to the socket, whatever it holds.
 */
export class FrameSender {
  readonly #stream: Stream;
  #queued: Uint8Array[] = [];
  /** Bytes that were handed to the stream. */
  #given = 0;
  /** Who waits until so many of these have left, in order. */
  #waiting: { readonly until: number; readonly left: () => void; readonly fail: (error: Error) => void }[] =
    [];
  #closed = false;

  constructor(stream: Stream) {
    this.#stream = stream;
    // The stream itself goes on sending in a microtask behind this event.
    stream.addEventListener('drain', () => queueMicrotask(() => this.#settle()));
    stream.addEventListener('idle', () => this.#settle());
    stream.addEventListener('close', () => {
      this.#closed = true;
      for (const { fail } of this.#waiting.splice(0)) fail(streamClosed());
    });
  }

  /** Resolves once the link has taken all of the frame; fails with NetError "closed" when the stream ends first. */
  send({ kind, number, body }: Frame): Promise<void> {
    const head = new Uint8Array(HEAD_BYTES);
    head[0] = kind;
    const view = new DataView(head.buffer);
    view.setUint32(1, number);
    view.setUint32(5, body.length);
    if (this.#queued.length === 0) setImmediate(() => this.#flush());
    this.#queued.push(head, body);
    const before = this.#queued.reduce((sum, { length }) => sum + length, this.#given);
    return new Promise((left, fail) => this.#waiting.push({ until: before, left, fail }));
  }

  #flush(): void {
    const queued = this.#queued;
    this.#queued = [];
    try {
      for (const message of joined(queued)) {
        this.#given += message.length;
        this.#stream.send(message);
      }
    } catch {
      // A stream that is closed or closing: nothing will leave it any more.
      this.#closed = true;
    }
    this.#settle();
  }

  #settle(): void {
    if (this.#closed) {
      for (const { fail } of this.#waiting.splice(0)) fail(streamClosed());
      return;
    }
    if (this.#stream.writableNeedsDrain && this.#stream.writeBufferLength === 0) return;
    const left = this.#given - this.#stream.writeBufferLength;
    while (this.#waiting[0] !== undefined && this.#waiting[0].until <= left) this.#waiting.shift()!.left();
  }
}

/** Small parts put together, large ones as they are, in their order. */
function joined(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  const messages: Uint8Array[] = [];
  let small: Uint8Array[] = [];
  let bytes = 0;
  const put = () => {
    if (small.length > 0) messages.push(small.length === 1 ? small[0]! : Buffer.concat(small, bytes));
    small = [];
    bytes = 0;
  };
  for (const part of parts) {
    if (part.length === 0) continue;
    if (bytes + part.length > JOINED_BYTES_MAX) put();
    small.push(part);
    bytes += part.length;
  }
  put();
  return messages;
}

export function streamClosed(cause?: unknown): NetError {
  return new NetError('closed', 'the stream ended', cause === undefined ? {} : { cause });
}
