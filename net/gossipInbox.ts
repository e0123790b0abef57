import { randomBytes } from 'node:crypto';
import type { AllowList } from './allowList.js';
import { NetError } from './errors.js';
import type { NetLimits } from './limits.js';
import { PeerSlots } from './peerSlots.js';
import { RateLimit } from './rateLimit.js';
import type { GossipFault, MessageHandler, PeerKey, Topic, Verdict } from './transport.js';

/** Bytes of the random nonce before every gossip message on the wire (see `Transport.publish`). */
export const NONCE_BYTES = 8;

/** A message as it travels: nonce, then the message. Fails with NetError "message-too-large". */
export function frameMessage(message: Uint8Array, limits: NetLimits): Uint8Array {
  if (message.length > limits.messageBytesMax) {
    throw new NetError(
      'message-too-large',
      `message of ${message.length} bytes, at most ${limits.messageBytesMax}`,
    );
  }
  const framed = new Uint8Array(NONCE_BYTES + message.length);
  framed.set(randomBytes(NONCE_BYTES));
  framed.set(message, NONCE_BYTES);
  return framed;
}

export interface GossipInboxOptions {
  readonly allowList: AllowList;
  readonly limits: NetLimits;
  readonly penalize: (peer: PeerKey, points: number, reason: string) => void;
  readonly onError: (error: Error) => void;
  /** A monotonic clock in milliseconds. */
  readonly now?: () => number;
}

/** A peer that sends too fast loses points once in this time, however much it sends. */
const RATE_BLAME_MS = 1_000;

/** Takes framed gossip messages to the handlers of their topics, whichever transport they came by. */
export class GossipInbox {
  readonly #options: GossipInboxOptions;
  readonly #handlers = new Map<Topic, MessageHandler>();
  /** By topic, so that a slow handler of transactions holds up no vote. */
  readonly #pending: Readonly<Record<Topic, PeerSlots>>;
  readonly #rates: Readonly<Record<Topic, RateLimit>>;
  /** One token a second a peer: who floods is blamed by time, not by message. */
  readonly #rateBlame: RateLimit;
  readonly #refused: Record<GossipFault, number> = { oversize: 0, rate: 0, busy: 0 };

  constructor(options: GossipInboxOptions) {
    this.#options = options;
    const { limits, now = () => performance.now() } = options;
    const slots = () => new PeerSlots(limits.inboundPendingMax);
    this.#pending = { transactions: slots(), consensus: slots() };
    const messages = { perSecond: limits.inboundMessagesPerSecond, burst: limits.inboundMessagesBurst };
    const bytes = { perSecond: limits.inboundBytesPerSecond, burst: limits.inboundBytesBurst };
    const rate = () => new RateLimit({ messages, bytes, peersMax: limits.peersMax, now });
    this.#rates = { transactions: rate(), consensus: rate() };
    const once = { perSecond: 1_000 / RATE_BLAME_MS, burst: 1 };
    this.#rateBlame = new RateLimit({ messages: once, bytes: once, peersMax: limits.peersMax, now });
  }

  refused(): Readonly<Record<GossipFault, number>> {
    return { ...this.#refused };
  }

  on(topic: Topic, handler: MessageHandler): void {
    if (this.#handlers.has(topic)) throw new TypeError(`topic ${topic} has a handler`);
    this.#handlers.set(topic, handler);
  }

  /** Never rejects. A handler that throws is a bug of ours: reported, and nobody is blamed. */
  async deliver(topic: Topic, framed: Uint8Array, from: PeerKey): Promise<Verdict> {
    const { allowList, limits, penalize, onError } = this.#options;
    if (!allowList.admits(from)) return 'ignore';
    if (framed.length < NONCE_BYTES || framed.length > NONCE_BYTES + limits.messageBytesMax) {
      this.#refused.oversize += 1;
      penalize(from, limits.oversizePoints, `gossip message of ${framed.length} bytes`);
      return 'reject';
    }
    if (!this.#rates[topic].take(from, framed.length)) {
      this.#refused.rate += 1;
      if (this.#rateBlame.take(from, 0)) penalize(from, limits.ratePoints, `too much gossip on ${topic}`);
      return 'ignore';
    }
    const handler = this.#handlers.get(topic);
    if (handler === undefined) return 'ignore';
    if (!this.#pending[topic].take(from)) {
      this.#refused.busy += 1;
      return 'ignore';
    }
    try {
      // A copy: the frame stays in the caches of the transport and must not change under them.
      const verdict = await handler(framed.slice(NONCE_BYTES), from);
      if (verdict === 'reject') penalize(from, limits.rejectPoints, `rejected message on ${topic}`);
      return verdict;
    } catch (cause) {
      onError(cause instanceof Error ? cause : new Error('gossip handler threw', { cause }));
      return 'ignore';
    } finally {
      this.#pending[topic].free(from);
    }
  }
}
