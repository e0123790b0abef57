import { randomBytes } from 'node:crypto';
import type { AllowList } from './allowList.js';
import { NetError } from './errors.js';
import type { NetLimits } from './limits.js';
import { PeerSlots } from './peerSlots.js';
import type { MessageHandler, PeerKey, Topic, Verdict } from './transport.js';

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
}

/** Takes framed gossip messages to the handlers of their topics, whichever transport they came by. */
export class GossipInbox {
  readonly #options: GossipInboxOptions;
  readonly #handlers = new Map<Topic, MessageHandler>();
  /** By topic, so that a slow handler of transactions holds up no vote. */
  readonly #pending: Readonly<Record<Topic, PeerSlots>>;

  constructor(options: GossipInboxOptions) {
    this.#options = options;
    const slots = () => new PeerSlots(options.limits.inboundPendingMax);
    this.#pending = { transactions: slots(), consensus: slots() };
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
      penalize(from, limits.oversizePoints, `gossip message of ${framed.length} bytes`);
      return 'reject';
    }
    const handler = this.#handlers.get(topic);
    if (handler === undefined || !this.#pending[topic].take(from)) return 'ignore';
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
