import type { Stream } from '@libp2p/interface';
import { NetError } from './errors.js';
import { type Frame, type FrameHead, FrameReader, FrameSender, requestKind, streamClosed } from './frame.js';
import { type Answer, answerKinds } from './requestDesk.js';

export interface RequestStreamOptions {
  /** Requests that were given up and are not answered yet: with more than so many the stream ends. */
  readonly givenUpMax: number;
  /** The peer broke a bound (NetError "too-large") or a frame ("malformed"). The stream has ended by then. */
  readonly onFault: (fault: NetError) => void;
  /** Takes no request any more. */
  readonly onRetired: () => void;
}

interface Open {
  readonly bytesMax: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The asking end of a stream: requests of one protocol to one peer, and their answers as they come. To open a stream
 * costs more than to send 64 KiB over it, so it stays open as long as its link.
 */
export class RequestStream {
  readonly #stream: Stream;
  readonly #sender: FrameSender;
  readonly #options: RequestStreamOptions;
  readonly #open = new Map<number, Open>();
  /** Given up before they were answered, with the bound of their answers. */
  readonly #givenUp = new Map<number, number>();
  #asked = 0;
  #retired = false;

  constructor(stream: Stream, options: RequestStreamOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#sender = new FrameSender(stream);
    const reader = new FrameReader({
      onHead: (head) => this.#admit(head),
      onFrame: (frame) => this.#take(frame),
    });
    stream.addEventListener('message', ({ data }) => {
      try {
        reader.push(data instanceof Uint8Array ? [data] : data);
      } catch (error) {
        this.#break(error);
      }
    });
    // The peer ends its half only when it takes no more requests, and behind the last answer.
    stream.addEventListener('end', () => this.#end(streamClosed()));
    stream.addEventListener('close', ({ error }) => this.#end(streamClosed(error)));
    if (stream.status !== 'open') this.#end(streamClosed());
  }

  /** Fails with the signal's reason, or NetError "too-large", "malformed", "closed". */
  ask(body: Uint8Array, bytesMax: number, signal: AbortSignal): Promise<Answer> {
    if (this.#retired) return Promise.reject(streamClosed());
    const number = this.#asked;
    this.#asked += 1;
    if (this.#asked === 2 ** 32) this.#retire();
    return new Promise<Answer>((resolve, reject) => {
      const onAbort = () => this.#giveUp(number, bytesMax, signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      const done = () => signal.removeEventListener('abort', onAbort);
      this.#open.set(number, {
        bytesMax,
        resolve: (answer) => {
          done();
          resolve(answer);
        },
        reject: (error) => {
          done();
          reject(error);
        },
      });
      // Whether it leaves shows in the answer.
      this.#sender.send({ kind: requestKind, number, body }).catch(() => {});
    });
  }

  #admit({ kind, number, bodyBytes }: FrameHead): void {
    const bytesMax = this.#open.get(number)?.bytesMax ?? this.#givenUp.get(number);
    if (bytesMax === undefined) throw new NetError('malformed', 'an answer that was not asked for');
    if (asKind(kind) === null) throw new NetError('malformed', `answer of kind ${kind}`);
    if (bodyBytes <= bytesMax) return;
    const fault = new NetError('too-large', `frame of ${bodyBytes} bytes, at most ${bytesMax}`);
    this.#close(number)?.reject(fault);
    throw fault;
  }

  #take({ kind, number, body }: Frame): void {
    const open = this.#close(number);
    // Whoever sent too large a request is not listened to on this stream any more.
    if (kind === answerKinds.tooLarge) this.#retire();
    open?.resolve({ kind: asKind(kind)!, body });
    if (this.#retired && this.#open.size === 0) this.#end(streamClosed());
  }

  #close(number: number): Open | null {
    const open = this.#open.get(number) ?? null;
    this.#open.delete(number);
    this.#givenUp.delete(number);
    return open;
  }

  /** With nothing else to wait for, what is still to come of the answer would be in the way of the next. */
  #giveUp(number: number, bytesMax: number, reason: unknown): void {
    this.#open.get(number)?.reject(reason);
    this.#open.delete(number);
    this.#givenUp.set(number, bytesMax);
    if (this.#open.size > 0 && this.#givenUp.size <= this.#options.givenUpMax) return;
    this.#retire();
    this.#stream.abort(streamClosed(reason));
  }

  #break(error: unknown): void {
    const fault = error instanceof NetError ? error : new NetError('malformed', String(error));
    this.#end(fault.code === 'malformed' ? fault : streamClosed(fault));
    this.#stream.abort(fault);
    this.#options.onFault(fault);
  }

  #end(error: NetError): void {
    this.#retire();
    for (const [number, { reject }] of this.#open) {
      this.#open.delete(number);
      reject(error);
    }
    if (this.#stream.status === 'open') this.#stream.close().catch(() => this.#stream.abort(error));
  }

  #retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#options.onRetired();
  }
}

function asKind(kind: number): Answer['kind'] | null {
  return Object.values(answerKinds).find((known) => known === kind) ?? null;
}
