/** Hex of an Ed25519 public key, 64 lower-case digits: a node's peer id is its signing key. */
export type PeerKey = string;

export type Topic = 'transactions' | 'consensus';

export const topics: readonly Topic[] = ['transactions', 'consensus'];

/**
 * What a handler thinks of a gossip message.
 *
 *   accept  valid: passed on to the peers of this node
 *   ignore  not passed on, nobody is blamed
 *   reject  invalid: not passed on, and the peer that delivered it loses `rejectPoints`
 */
export type Verdict = 'accept' | 'reject' | 'ignore';

/**
 * Why gossip didn't get as far as its handler.
 *
 *   oversize  over `messageBytesMax`, or shorter than its nonce; the peer loses `oversizePoints`
 *   rate      the peer sends faster than `inboundMessagesPerSecond` or `inboundBytesPerSecond` allow; it loses
 *             `ratePoints` a second for as long as it does
 *   busy      `inboundPendingMax` messages of the peer are still in the handler; nobody is blamed
 */
export type GossipFault = 'oversize' | 'rate' | 'busy';

export type MessageHandler = (message: Uint8Array, from: PeerKey) => Verdict | Promise<Verdict>;

export type RequestHandler = (request: Uint8Array, from: PeerKey) => Promise<Uint8Array>;

export interface PeerAddress {
  readonly key: PeerKey;
  /** Multiaddrs, with or without a trailing `/p2p/...`; may be empty for a peer that dials in. */
  readonly addresses: readonly string[];
}

export interface RequestOptions {
  /** Bounds the whole call, dialling included. Default `requestTimeoutMs`. */
  readonly timeoutMs?: number;
  readonly responseBytesMax?: number;
}

export interface ServeLimits {
  readonly requestBytesMax: number;
  /** Requests of one peer served at a time; one more is refused. */
  readonly concurrentMax: number;
}

/**
 * Moves bytes between the nodes of one chain. Two kinds: libp2p and memory, held to one compliance suite.
 *
 * A peer counts as connected once its link is open and carries gossip both ways, so that what is published from
 * then on reaches it. A transport starts once and stops once.
 */
export interface Transport {
  readonly self: PeerKey;
  /** Fails with NetError "listen-failed". */
  start(): Promise<void>;
  /** Closes every link, listener and timer; open requests fail with "closed". */
  stop(): Promise<void>;
  /** Multiaddrs it listens on, with the real port where 0 was asked for. Empty before start. */
  addresses(): readonly string[];
  connectedPeers(): readonly PeerKey[];
  /** Called after each change of `connectedPeers`. One handler; a second call replaces it. */
  onPeer(handler: (peer: PeerKey, state: 'connected' | 'disconnected') => void): void;
  /**
   * Sets the allow-list and address book, all of it at once: a key that is not in it cannot open a connection, one
   * that was removed is disconnected. Listed peers are dialled, and dialled again for as long as they are listed,
   * with bounded backoff and jitter. The own key is skipped.
   *
   * Fails with NetError "invalid-peer" or "invalid-address", changing nothing.
   */
  setPeers(peers: readonly PeerAddress[]): void;
  /**
   * Gossips a small message; payloads never travel this way.
   *
   * Each call is a message of its own, even with the same bytes: an 8 byte random nonce goes before them on the
   * wire and is taken off at delivery. Agreement sends its votes again for ever, and without the nonce the copies
   * would die in the seen-caches of peers that had the first one, on the way to those that missed it. So handlers
   * see repeats; one that answers "accept" to a valid repeat lets it travel on, "ignore" stops it there.
   *
   * Never delivered to the publisher itself. Goes to every connected peer at once; no promise of delivery.
   * Fails with NetError "message-too-large", "queue-full" or "closed".
   */
  publish(topic: Topic, message: Uint8Array): void;
  /**
   * Sets the handler of a topic (once). `from` is the peer that delivered the message, not its author. A message
   * that finds `inboundPendingMax` messages of its deliverer still in the handler, or the deliverer above its rate,
   * is ignored.
   */
  onMessage(topic: Topic, handler: MessageHandler): void;
  /** Gossip messages that no handler saw, counted since the start. */
  refused(): Readonly<Record<GossipFault, number>>;
  /**
   * One request, one response. Dials the peer if there is no link yet.
   *
   * Fails with NetError "unreachable", "timeout", "refused", "too-large" or "closed"; with "queue-full" if
   * `requestsPerPeerMax` requests to the peer are open.
   */
  request(
    peer: PeerKey,
    protocol: string,
    request: Uint8Array,
    options?: RequestOptions,
  ): Promise<Uint8Array>;
  /**
   * Answers requests of a protocol (once per protocol). A handler refuses by throwing NetError "refused"; what else
   * it throws goes to `onError` and the peer is told "refused".
   */
  serve(protocol: string, handler: RequestHandler, limits: ServeLimits): void;
  /**
   * Takes standing from a peer; at `penaltyPointsMax` it is disconnected and neither dialled nor let in for `banMs`.
   * Points decay. The reason goes to `onError` when the bound is reached. Keys off the allow-list have no standing.
   */
  penalize(peer: PeerKey, points: number, reason: string): void;
}
