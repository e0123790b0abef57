import type { Connection, Stream } from '@libp2p/interface';
import type { Deadlines } from './deadline.js';
import { NetError } from './errors.js';
import { receiveFrame, requestKind, sendFrame } from './frame.js';
import type { NetLimits } from './limits.js';
import { PeerSlots } from './peerSlots.js';
import { type Answer, answerKinds, bodyOf, type RequestDesk } from './requestDesk.js';
import type { PeerKey, RequestOptions } from './transport.js';

export interface StreamRequestsOptions {
  readonly limits: NetLimits;
  readonly desk: RequestDesk;
  readonly deadlines: Deadlines;
  /** An open link to the peer, dialled if need be; fails with NetError "unreachable". */
  readonly connect: (peer: PeerKey, signal: AbortSignal) => Promise<Connection>;
  /** Name of a protocol on the wire. */
  readonly wireName: (protocol: string) => string;
  readonly penalize: (peer: PeerKey, points: number, reason: string) => void;
}

/** Requests and their answers over libp2p streams, one stream each. */
export class StreamRequests {
  readonly #options: StreamRequestsOptions;
  readonly #open: PeerSlots;

  constructor(options: StreamRequestsOptions) {
    this.#options = options;
    this.#open = new PeerSlots(options.limits.requestsPerPeerMax);
  }

  async request(
    peer: PeerKey,
    protocol: string,
    body: Uint8Array,
    options: RequestOptions,
  ): Promise<Uint8Array> {
    const { limits, deadlines } = this.#options;
    if (!this.#open.take(peer)) throw new NetError('queue-full', `too many open requests to ${peer}`);
    const bytesMax = options.responseBytesMax ?? limits.responseBytesMax;
    try {
      const answer = await deadlines.within(options.timeoutMs ?? limits.requestTimeoutMs, (signal) =>
        this.#exchange(peer, protocol, body, bytesMax, signal),
      );
      return bodyOf(answer, protocol);
    } finally {
      this.#open.free(peer);
    }
  }

  /** Serves one inbound stream. Never rejects: a peer that goes away in the middle is no error of ours. */
  async serve(protocol: string, from: PeerKey, stream: Stream): Promise<void> {
    const { desk, deadlines, limits } = this.#options;
    try {
      await desk.answer(
        protocol,
        from,
        (bytesMax) =>
          deadlines.within(
            limits.transferTimeoutMs,
            async (signal) => (await receiveFrame(stream, bytesMax, signal)).body,
          ),
        (answer) =>
          deadlines.within(limits.transferTimeoutMs, async (signal) => {
            sendFrame(stream, answer);
            await stream.close({ signal });
          }),
      );
    } catch (error) {
      stream.abort(asError(error));
    }
  }

  async #exchange(
    peer: PeerKey,
    protocol: string,
    body: Uint8Array,
    bytesMax: number,
    signal: AbortSignal,
  ): Promise<Answer> {
    const connection = await this.#options.connect(peer, signal);
    const stream = await this.#openStream(connection, protocol, signal);
    try {
      const response = receiveFrame(stream, bytesMax, signal);
      // Awaited below; if sending throws first, its failure must not go unhandled.
      response.catch(() => {});
      sendFrame(stream, { kind: requestKind, body });
      const answer = asAnswer(await response);
      // Our half closes behind the answer: the peer has all of the request, nothing is left to flush.
      stream.close().catch((error) => stream.abort(asError(error)));
      return answer;
    } catch (error) {
      stream.abort(asError(error));
      throw this.#blame(peer, protocol, error);
    }
  }

  async #openStream(connection: Connection, protocol: string, signal: AbortSignal): Promise<Stream> {
    try {
      return await connection.newStream(this.#options.wireName(protocol), {
        signal,
        maxOutboundStreams: this.#options.limits.requestsPerPeerMax,
      });
    } catch (cause) {
      const unsupported = cause instanceof Error && cause.name === 'UnsupportedProtocolError';
      const code = unsupported ? 'refused' : 'unreachable';
      throw new NetError(code, `no stream for ${protocol}`, { cause });
    }
  }

  /** The error for the caller; a peer that broke a bound or the frame loses standing. */
  #blame(peer: PeerKey, protocol: string, error: unknown): NetError {
    const { limits, penalize } = this.#options;
    if (!(error instanceof NetError)) {
      return new NetError('closed', `link broke during ${protocol}`, { cause: error });
    }
    if (error.code !== 'too-large' && error.code !== 'malformed') return error;
    penalize(peer, limits.oversizePoints, `${protocol} response: ${error.message}`);
    return error.code === 'malformed' ? new NetError('closed', error.message, { cause: error }) : error;
  }
}

function asAnswer(frame: { readonly kind: number; readonly body: Uint8Array }): Answer {
  const kind = Object.values(answerKinds).find((known) => known === frame.kind);
  if (kind === undefined) throw new NetError('malformed', `answer of kind ${frame.kind}`);
  return { kind, body: frame.body };
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new NetError('closed', String(error));
}
