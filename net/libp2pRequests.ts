import type { Connection, Stream } from '@libp2p/interface';
import { AnswerStream } from './answerStream.js';
import type { Deadlines } from './deadline.js';
import { NetError } from './errors.js';
import type { NetLimits } from './limits.js';
import { PeerSlots } from './peerSlots.js';
import { bodyOf, type RequestDesk } from './requestDesk.js';
import { RequestStream } from './requestStream.js';
import type { PeerKey, RequestOptions } from './transport.js';

/** Streams of one protocol over one link, each way. One serves; others may be on their way out. */
export const PROTOCOL_STREAMS_MAX = 8;

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

/** Requests and their answers over libp2p streams: one a peer and protocol, opened by the first request. */
export class StreamRequests {
  readonly #options: StreamRequestsOptions;
  readonly #open: PeerSlots;
  readonly #streams = new Map<string, Promise<RequestStream>>();

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
      const answer = await deadlines.within(options.timeoutMs ?? limits.requestTimeoutMs, async (signal) => {
        const stream = await this.#streamTo(peer, protocol);
        signal.throwIfAborted();
        return stream.ask(body, bytesMax, signal);
      });
      return bodyOf(answer, protocol);
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      // What the peer is blamed for is the transport's business; to the caller the link is gone.
      const { code, message } = error;
      throw code === 'malformed' ? new NetError('closed', message, { cause: error }) : error;
    } finally {
      this.#open.free(peer);
    }
  }

  /** Serves an inbound stream until it ends. */
  serve(protocol: string, from: PeerKey, stream: Stream): void {
    const { desk, deadlines, limits } = this.#options;
    new AnswerStream(stream, { protocol, from, desk, deadlines, limits });
  }

  /** The open stream, or a new one: whoever asks meanwhile waits for the same, each for as long as it likes. */
  #streamTo(peer: PeerKey, protocol: string): Promise<RequestStream> {
    const name = `${peer}/${protocol}`;
    const known = this.#streams.get(name);
    if (known !== undefined) return known;
    const forget = () => {
      if (this.#streams.get(name) === opened) this.#streams.delete(name);
    };
    const opened = this.#openStream(peer, protocol, forget);
    this.#streams.set(name, opened);
    opened.catch(forget);
    return opened;
  }

  async #openStream(peer: PeerKey, protocol: string, onRetired: () => void): Promise<RequestStream> {
    const { limits, deadlines, connect, penalize } = this.#options;
    const stream = await deadlines.within(limits.linkSetupMs, async (signal) =>
      this.#negotiate(await connect(peer, signal), protocol, signal),
    );
    return new RequestStream(stream, {
      givenUpMax: limits.requestsPerPeerMax,
      onFault: ({ message }) => penalize(peer, limits.oversizePoints, `${protocol} response: ${message}`),
      onRetired,
    });
  }

  async #negotiate(connection: Connection, protocol: string, signal: AbortSignal): Promise<Stream> {
    try {
      return await connection.newStream(this.#options.wireName(protocol), {
        signal,
        maxOutboundStreams: PROTOCOL_STREAMS_MAX,
      });
    } catch (cause) {
      const unsupported = cause instanceof Error && cause.name === 'UnsupportedProtocolError';
      const code = unsupported ? 'refused' : 'unreachable';
      throw new NetError(code, `no stream for ${protocol}`, { cause });
    }
  }
}
