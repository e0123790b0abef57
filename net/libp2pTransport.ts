import './polyfill.js';
import type { TopicValidatorResult } from '@libp2p/gossipsub';
import type { Connection, PeerId } from '@libp2p/interface';
import { bytesToHex, publicKeyOf } from '../crypto/index.js';
import { AllowList } from './allowList.js';
import { Deadlines } from './deadline.js';
import { Dialer } from './dialer.js';
import { NetError } from './errors.js';
import { frameMessage, GossipInbox } from './gossipInbox.js';
import { addressOf, peerIdOf, peerKeyOf } from './libp2pKeys.js';
import { createNode, type Node } from './libp2pNode.js';
import { PROTOCOL_STREAMS_MAX, StreamRequests } from './libp2pRequests.js';
import { defaultNetLimits, type NetLimits } from './limits.js';
import { LinkWatch } from './linkWatch.js';
import { RequestDesk } from './requestDesk.js';
import {
  type GossipFault,
  type MessageHandler,
  type PeerAddress,
  type PeerKey,
  type RequestHandler,
  type RequestOptions,
  type ServeLimits,
  type Topic,
  type Transport,
  topics,
} from './transport.js';

export interface Libp2pTransportOptions {
  /** 32-byte Ed25519 seed. */
  readonly secret: Uint8Array;
  /** Separates the networks of different chains: part of every topic and protocol name. */
  readonly chainId: Uint8Array;
  /** Multiaddrs, such as `/ip4/127.0.0.1/tcp/0`; may be empty for a node that only dials. */
  readonly listen: readonly string[];
  readonly limits?: Partial<NetLimits>;
  /** Hears of peers shut out and of handlers that throw. Default: thrown as uncaught, since most are bugs. */
  readonly onError?: (error: Error) => void;
}

/** A transport over TCP, Noise, Yamux and gossipsub. */
export function createLibp2pTransport(options: Libp2pTransportOptions): Transport {
  return new Libp2pTransport(options);
}

type Phase = 'new' | 'started' | 'stopped';

class Libp2pTransport implements Transport {
  readonly self: PeerKey;
  readonly #options: Libp2pTransportOptions;
  readonly #limits: NetLimits;
  readonly #prefix: string;
  readonly #allowList: AllowList;
  readonly #deadlines = new Deadlines();
  readonly #inbox: GossipInbox;
  readonly #desk: RequestDesk;
  readonly #requests: StreamRequests;
  readonly #dialer: Dialer;
  readonly #onError: (error: Error) => void;
  #phase: Phase = 'new';
  #node: Node | null = null;
  #links: LinkWatch | null = null;
  #outboundBytes = 0;
  #onPeer: (peer: PeerKey, state: 'connected' | 'disconnected') => void = () => {};

  constructor(options: Libp2pTransportOptions) {
    this.#options = options;
    this.self = bytesToHex(publicKeyOf(options.secret));
    this.#limits = { ...defaultNetLimits, ...options.limits };
    this.#prefix = `/consilium/${bytesToHex(options.chainId)}`;
    this.#onError = options.onError ?? throwUncaught;
    this.#allowList = new AllowList(this.self, this.#limits);
    const shared = {
      allowList: this.#allowList,
      limits: this.#limits,
      penalize: this.penalize.bind(this),
      onError: this.#onError,
    };
    this.#inbox = new GossipInbox(shared);
    this.#desk = new RequestDesk(shared);
    this.#requests = new StreamRequests({
      ...shared,
      desk: this.#desk,
      deadlines: this.#deadlines,
      connect: (peer, signal) => this.#connect(peer, signal),
      wireName: (protocol) => this.#wireName(protocol),
    });
    this.#dialer = new Dialer({
      limits: this.#limits,
      dial: (peer) =>
        this.#deadlines.within(this.#limits.dialTimeoutMs, async (signal) => {
          await this.#connect(peer, signal);
        }),
      hasLink: (peer) => this.#connection(peer) !== undefined,
    });
  }

  async start(): Promise<void> {
    if (this.#phase !== 'new') throw new NetError('closed', 'a transport starts once');
    this.#phase = 'started';
    const node = await createNode({
      secret: this.#options.secret,
      listen: this.#options.listen,
      limits: this.#limits,
      gossipTopics: topics.map((topic) => this.#wireName(topic)),
      admits: (peer) => this.#allowList.admits(peer),
    });
    for (const protocol of this.#desk.protocols()) await this.#handle(node, protocol);
    for (const topic of topics) {
      node.services.gossip.topicValidators.set(this.#wireName(topic), (from, message) =>
        this.#validate(topic, from, message.data),
      );
    }
    try {
      await node.start();
    } catch (cause) {
      const advice = 'a port of it is in use or not allowed: end what uses it, or set another in "listen"';
      throw new NetError('listen-failed', `cannot listen on ${this.#options.listen.join(', ')}: ${advice}`, {
        cause,
      });
    }
    if (this.#isStopped()) return node.stop();
    this.#node = node;
    this.#links = this.#watch(node);
    for (const topic of topics) node.services.gossip.subscribe(this.#wireName(topic));
    this.#followPeers();
  }

  async stop(): Promise<void> {
    if (this.#phase !== 'started') return;
    this.#phase = 'stopped';
    this.#dialer.stop();
    this.#links?.stop();
    this.#deadlines.close();
    await this.#node?.stop();
  }

  addresses(): readonly string[] {
    return this.#node?.getMultiaddrs().map((address) => address.toString()) ?? [];
  }

  connectedPeers(): readonly PeerKey[] {
    return this.#links?.connected() ?? [];
  }

  onPeer(handler: (peer: PeerKey, state: 'connected' | 'disconnected') => void): void {
    this.#onPeer = handler;
  }

  setPeers(peers: readonly PeerAddress[]): void {
    for (const { key, addresses } of peers) {
      if (!/^[0-9a-f]{64}$/.test(key)) throw new NetError('invalid-peer', `not a peer key: ${key}`);
      for (const address of addresses) addressOf(key, address);
    }
    for (const removed of this.#allowList.replace(peers)) {
      this.#dialer.forget(removed);
      this.#hangUp(removed, 'removed from the allow-list');
    }
    if (this.#node !== null) this.#followPeers();
  }

  publish(topic: Topic, message: Uint8Array): void {
    const gossip = this.#started().services.gossip;
    const framed = frameMessage(message, this.#limits);
    if (this.#outboundBytes + framed.length > this.#limits.outboundBytesMax) {
      throw new NetError('queue-full', `${this.#outboundBytes} bytes wait to be sent`);
    }
    this.#outboundBytes += framed.length;
    gossip
      .publish(this.#wireName(topic), framed)
      .catch((cause) => this.#report(new NetError('closed', 'publish failed', { cause })))
      .finally(() => {
        this.#outboundBytes -= framed.length;
      });
  }

  onMessage(topic: Topic, handler: MessageHandler): void {
    this.#inbox.on(topic, handler);
  }

  refused(): Readonly<Record<GossipFault, number>> {
    return this.#inbox.refused();
  }

  async request(
    peer: PeerKey,
    protocol: string,
    request: Uint8Array,
    options: RequestOptions = {},
  ): Promise<Uint8Array> {
    this.#started();
    if (!this.#allowList.admits(peer)) throw new NetError('refused', `${peer} is not on the allow-list`);
    return this.#requests.request(peer, protocol, request, options);
  }

  serve(protocol: string, handler: RequestHandler, limits: ServeLimits): void {
    this.#desk.serve(protocol, handler, limits);
    if (this.#node === null) return;
    this.#handle(this.#node, protocol).catch((cause) =>
      this.#report(new NetError('closed', `cannot serve ${protocol}`, { cause })),
    );
  }

  penalize(peer: PeerKey, points: number, reason: string): void {
    if (!this.#allowList.penalize(peer, points)) return;
    this.#onError(new NetError('refused', `shut out ${peer}: ${reason}`));
    this.#hangUp(peer, reason);
    this.#dialer.lost(peer, this.#allowList.banLeftMs(peer));
  }

  /** On the wire a protocol or topic carries the chain id: nodes of two chains have nothing to say to each other. */
  #wireName(name: string): string {
    return `${this.#prefix}/${name}`;
  }

  #isStopped(): boolean {
    return this.#phase === 'stopped';
  }

  #started(): Node {
    if (this.#phase !== 'started' || this.#node === null)
      throw new NetError('closed', 'transport not running');
    return this.#node;
  }

  #report(error: Error): void {
    if (this.#phase === 'started') this.#onError(error);
  }

  #followPeers(): void {
    for (const peer of this.#allowList.keys()) {
      const waits = this.self > peer && this.#allowList.addresses(peer).length > 0;
      this.#dialer.follow(peer, waits ? this.#limits.dialGraceMs : 0);
    }
  }

  #watch(node: Node): LinkWatch {
    return new LinkWatch({
      node,
      limits: this.#limits,
      gossipTopics: topics.map((topic) => this.#wireName(topic)),
      onChange: (peer, state) => {
        if (state === 'connected') this.#dialer.connected(peer);
        this.#onPeer(peer, state);
      },
      onLinkLost: (peer) => this.#dialer.lost(peer, this.#allowList.banLeftMs(peer)),
      onLinkStuck: (peer) => this.#hangUp(peer, 'link carries no gossip'),
    });
  }

  #connection(peer: PeerKey): Connection | undefined {
    return this.#node?.getConnections(peerIdOf(peer)).find((connection) => connection.status === 'open');
  }

  async #connect(peer: PeerKey, signal: AbortSignal): Promise<Connection> {
    const open = this.#connection(peer);
    if (open !== undefined) return open;
    const addresses = this.#allowList.addresses(peer).map((address) => addressOf(peer, address));
    try {
      // Without a listed address libp2p tries those that the peer told about when it dialled us.
      return await this.#started().dial(addresses.length > 0 ? addresses : peerIdOf(peer), { signal });
    } catch (cause) {
      throw new NetError('unreachable', `cannot reach ${peer}`, { cause });
    }
  }

  #hangUp(peer: PeerKey, reason: string): void {
    for (const connection of this.#node?.getConnections(peerIdOf(peer)) ?? []) {
      connection.abort(new NetError('closed', reason));
    }
  }

  async #handle(node: Node, protocol: string): Promise<void> {
    await node.handle(
      this.#wireName(protocol),
      (stream, connection) => {
        const from = peerKeyOf(connection.remotePeer);
        if (from === null) stream.abort(new NetError('refused', 'peer without an Ed25519 key'));
        else this.#requests.serve(protocol, from, stream);
      },
      { maxInboundStreams: PROTOCOL_STREAMS_MAX, maxOutboundStreams: PROTOCOL_STREAMS_MAX },
    );
  }

  async #validate(topic: Topic, from: PeerId, data: Uint8Array): Promise<TopicValidatorResult> {
    const peer = peerKeyOf(from);
    const verdict = peer === null ? 'ignore' : await this.#inbox.deliver(topic, data, peer);
    return verdict as TopicValidatorResult;
  }
}

function throwUncaught(error: Error): void {
  queueMicrotask(() => {
    throw error;
  });
}
