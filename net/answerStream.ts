import type { Stream } from '@libp2p/interface';
import type { Deadlines } from './deadline.js';
import { NetError } from './errors.js';
import { type FrameHead, FrameReader, FrameSender, requestKind, streamClosed } from './frame.js';
import type { NetLimits } from './limits.js';
import type { RequestDesk } from './requestDesk.js';
import type { PeerKey } from './transport.js';

export interface AnswerStreamOptions {
  readonly protocol: string;
  readonly from: PeerKey;
  readonly desk: RequestDesk;
  readonly deadlines: Deadlines;
  readonly limits: NetLimits;
}

/**
 * The answering end of a stream: hands each request that arrives to the desk, and sends the answers as they are
 * ready. The stream ends when the peer ends it, breaks a bound or a frame, lets half a request wait for
 * `transferTimeoutMs`, or does not take an answer for so long; and when it has more requests open than any peer may.
 */
export class AnswerStream {
  readonly #stream: Stream;
  readonly #sender: FrameSender;
  readonly #options: AnswerStreamOptions;
  readonly #requestBytesMax: number;
  #open = 0;
  /** Nothing more is read: the peer ended its half, or sent what is too large to skip. */
  #deaf = false;
  #arrived: (() => void) | null = null;

  constructor(stream: Stream, options: AnswerStreamOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#sender = new FrameSender(stream);
    this.#requestBytesMax = options.desk.limitsOf(options.protocol)?.requestBytesMax ?? 0;
    const reader = new FrameReader({
      onHead: (head) => this.#admit(head),
      onFrame: ({ number, body }) => void this.#answer(number, async () => body),
    });
    stream.addEventListener('message', ({ data }) => {
      if (this.#deaf) return;
      try {
        reader.push(data instanceof Uint8Array ? [data] : data);
      } catch (error) {
        if (!this.#deaf) this.#break(error);
      }
      this.#watch(reader.isPartway);
    });
    stream.addEventListener('end', () => this.#stopReading());
    stream.addEventListener('close', () => this.#stopReading());
    if (stream.readableEnded) this.#stopReading();
  }

  #admit({ kind, number, bodyBytes }: FrameHead): void {
    const { limits } = this.#options;
    if (kind !== requestKind) throw new NetError('malformed', `request of kind ${kind}`);
    // As many as a peer may have open, and as many that it has given up.
    if (this.#open >= 2 * limits.requestsPerPeerMax) throw new NetError('malformed', 'too many requests');
    if (bodyBytes <= this.#requestBytesMax) return;
    const error = new NetError('too-large', `frame of ${bodyBytes} bytes, at most ${this.#requestBytesMax}`);
    void this.#answer(number, () => Promise.reject(error));
    this.#stopReading();
    throw error;
  }

  /** Never rejects: a peer that goes away in the middle is no error of ours. */
  async #answer(number: number, read: () => Promise<Uint8Array>): Promise<void> {
    const { desk, deadlines, limits, protocol, from } = this.#options;
    this.#open += 1;
    try {
      await desk.answer(protocol, from, read, ({ kind, body }) =>
        deadlines.within(limits.transferTimeoutMs, () => this.#sender.send({ kind, number, body })),
      );
    } catch (error) {
      this.#break(error);
    }
    this.#open -= 1;
    this.#closeWhenDone();
  }

  /** Half a request must not wait for ever. */
  #watch(isPartway: boolean): void {
    if (isPartway === (this.#arrived !== null)) return;
    if (!isPartway || this.#deaf) {
      this.#arrived?.();
      this.#arrived = null;
      return;
    }
    const { deadlines, limits } = this.#options;
    const whole = new Promise<void>((resolve) => {
      this.#arrived = resolve;
    });
    deadlines.within(limits.transferTimeoutMs, () => whole).catch((error) => this.#break(error));
  }

  #stopReading(): void {
    this.#deaf = true;
    this.#watch(false);
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    if (!this.#deaf || this.#open > 0 || this.#stream.status !== 'open') return;
    this.#stream.close().catch((error) => this.#break(error));
  }

  #break(error: unknown): void {
    this.#deaf = true;
    this.#watch(false);
    this.#stream.abort(error instanceof Error ? error : streamClosed(error));
  }
}
