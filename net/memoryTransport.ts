import { setMaxListeners } from 'node:events';
import { bytesToHex, publicKeyOf, sha256 } from '../crypto/index.js';
import { AllowList } from './allowList.js';
import { Deadlines } from './deadline.js';
import { NetError } from './errors.js';
import { frameMessage, GossipInbox } from './gossipInbox.js';
import { defaultNetLimits, type NetLimits } from './limits.js';
import { PeerSlots } from './peerSlots.js';
import { type Answer, bodyOf, RequestDesk } from './requestDesk.js';
import type {
  GossipFault,
  MessageHandler,
  PeerAddress,
  PeerKey,
  RequestHandler,
  RequestOptions,
  ServeLimits,
  Topic,
  Transport,
} from './transport.js';

export interface MemoryNetworkOptions {
  readonly limits?: Partial<NetLimits>;
  /** As in Libp2pTransportOptions, with the key of the node it happened to. */
  readonly onError?: (error: Error, self: PeerKey) => void;
}

export interface MemoryNetwork {
  /**
   * A node's transport, by its 32-byte seed or by its key; `limits` go before the network's. A stopped one's
   * successor takes its place at start.
   */
  transport(identity: Uint8Array | PeerKey, limits?: Partial<NetLimits>): Transport;
}

/**
 * Transports in one process, without sockets: the same rules, bounds and errors as libp2p's, for tests.
 *
 * A node's address is `/memory/KEY`. Messages arrive in order, each in a later turn of the event loop; links come and
 * go at once with `start`, `stop`, `setPeers` and penalties.
 */
export function createMemoryNetwork(options: MemoryNetworkOptions = {}): MemoryNetwork {
  const switchboard = new Switchboard();
  return {
    transport(identity, limits) {
      const self = typeof identity === 'string' ? identity : bytesToHex(publicKeyOf(identity));
      return new MemoryTransport(self, switchboard, {
        ...options,
        limits: { ...options.limits, ...limits },
      });
    },
  };
}

/** The nodes that are up. */
class Switchboard {
  readonly nodes = new Map<PeerKey, MemoryTransport>();

  relink(node: MemoryTransport): void {
    for (const other of this.nodes.values()) {
      if (other === node) continue;
      const linked = node.wants(other) && other.wants(node) && (node.finds(other) || other.finds(node));
      node.link(other.self, linked);
      other.link(node.self, linked);
    }
  }
}

/** Frames whose copies a node drops. */
const SEEN_MAX = 16_384;

class MemoryTransport implements Transport {
  readonly self: PeerKey;
  readonly #switchboard: Switchboard;
  readonly #limits: NetLimits;
  readonly #onError: (error: Error) => void;
  readonly #allowList: AllowList;
  readonly #inbox: GossipInbox;
  readonly #desk: RequestDesk;
  readonly #deadlines = new Deadlines();
  readonly #openRequests: PeerSlots;
  readonly #links = new Map<PeerKey, AbortController>();
  readonly #seen = new Set<string>();
  readonly #banTimers = new Map<PeerKey, NodeJS.Timeout>();
  #phase: 'new' | 'started' | 'stopped' = 'new';
  #outboundBytes = 0;
  #onPeer: (peer: PeerKey, state: 'connected' | 'disconnected') => void = () => {};

  constructor(self: PeerKey, switchboard: Switchboard, options: MemoryNetworkOptions) {
    this.self = self;
    this.#switchboard = switchboard;
    this.#limits = { ...defaultNetLimits, ...options.limits };
    this.#onError = (error) => {
      if (options.onError !== undefined) options.onError(error, self);
      else
        queueMicrotask(() => {
          throw error;
        });
    };
    this.#allowList = new AllowList(self, this.#limits);
    this.#openRequests = new PeerSlots(this.#limits.requestsPerPeerMax);
    const shared = {
      allowList: this.#allowList,
      limits: this.#limits,
      penalize: this.penalize.bind(this),
      onError: this.#onError,
    };
    this.#inbox = new GossipInbox(shared);
    this.#desk = new RequestDesk(shared);
  }

  async start(): Promise<void> {
    if (this.#phase !== 'new') throw new NetError('closed', 'a transport starts once');
    if (this.#switchboard.nodes.has(this.self)) {
      throw new NetError('listen-failed', `${this.addressOf(this.self)} is in use`);
    }
    this.#phase = 'started';
    this.#switchboard.nodes.set(this.self, this);
    this.#switchboard.relink(this);
  }

  async stop(): Promise<void> {
    if (this.#phase !== 'started') return;
    this.#phase = 'stopped';
    this.#switchboard.relink(this);
    this.#switchboard.nodes.delete(this.self);
    this.#deadlines.close();
    for (const timer of this.#banTimers.values()) clearTimeout(timer);
    this.#banTimers.clear();
  }

  addresses(): readonly string[] {
    return this.#phase === 'started' ? [this.addressOf(this.self)] : [];
  }

  connectedPeers(): readonly PeerKey[] {
    return [...this.#links.keys()];
  }

  onPeer(handler: (peer: PeerKey, state: 'connected' | 'disconnected') => void): void {
    this.#onPeer = handler;
  }

  setPeers(peers: readonly PeerAddress[]): void {
    for (const { key, addresses } of peers) {
      const odd = addresses.find((address) => address !== this.addressOf(key));
      if (odd !== undefined) throw new NetError('invalid-address', `${odd} is no address of ${key}`);
    }
    this.#allowList.replace(peers);
    if (this.#phase === 'started') this.#switchboard.relink(this);
  }

  publish(topic: Topic, message: Uint8Array): void {
    this.#assertStarted();
    const framed = frameMessage(message, this.#limits);
    if (this.#outboundBytes + framed.length > this.#limits.outboundBytesMax) {
      throw new NetError('queue-full', `${this.#outboundBytes} bytes wait to be sent`);
    }
    this.#outboundBytes += framed.length;
    setImmediate(() => {
      this.#outboundBytes -= framed.length;
    });
    this.#firstSight(framed);
    this.#sendOn(topic, framed, null);
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
    this.#assertStarted();
    if (!this.#allowList.admits(peer)) throw new NetError('refused', `${peer} is not on the allow-list`);
    if (!this.#openRequests.take(peer)) {
      throw new NetError('queue-full', `too many open requests to ${peer}`);
    }
    const bytesMax = options.responseBytesMax ?? this.#limits.responseBytesMax;
    try {
      const body = bodyOf(
        await this.#deadlines.within(options.timeoutMs ?? this.#limits.requestTimeoutMs, () =>
          this.#exchange(peer, protocol, request.slice()),
        ),
        protocol,
      );
      if (body.length <= bytesMax) return body;
      this.penalize(peer, this.#limits.oversizePoints, `${protocol} response of ${body.length} bytes`);
      throw new NetError('too-large', `response of ${body.length} bytes, at most ${bytesMax}`);
    } finally {
      this.#openRequests.free(peer);
    }
  }

  serve(protocol: string, handler: RequestHandler, limits: ServeLimits): void {
    this.#desk.serve(protocol, handler, limits);
  }

  penalize(peer: PeerKey, points: number, reason: string): void {
    if (!this.#allowList.penalize(peer, points)) return;
    this.#onError(new NetError('refused', `shut out ${peer}: ${reason}`));
    if (this.#phase !== 'started') return;
    this.#switchboard.relink(this);
    this.#relinkAfterBan(peer);
  }

  // What the switchboard and the other nodes call.

  addressOf(key: PeerKey): string {
    return `/memory/${key}`;
  }

  wants(other: MemoryTransport): boolean {
    return this.#phase === 'started' && this.#allowList.admits(other.self);
  }

  finds(other: MemoryTransport): boolean {
    return this.#allowList.addresses(other.self).length > 0;
  }

  link(peer: PeerKey, linked: boolean): void {
    const link = this.#links.get(peer);
    if (linked === (link !== undefined)) return;
    if (linked) {
      const opened = new AbortController();
      // One listener for each open request.
      setMaxListeners(this.#limits.requestsPerPeerMax, opened.signal);
      this.#links.set(peer, opened);
    } else {
      this.#links.delete(peer);
      link?.abort(new NetError('closed', `link to ${peer} is gone`));
    }
    setImmediate(() => {
      if (this.#phase === 'started') this.#onPeer(peer, linked ? 'connected' : 'disconnected');
    });
  }

  async receive(topic: Topic, framed: Uint8Array, from: PeerKey): Promise<void> {
    if (!this.#links.has(from) || !this.#firstSight(framed)) return;
    if ((await this.#inbox.deliver(topic, framed, from)) === 'accept') this.#sendOn(topic, framed, from);
  }

  answer(protocol: string, from: PeerKey, request: Uint8Array): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const read = async (bytesMax: number) => {
        if (request.length <= bytesMax) return request;
        throw new NetError('too-large', `request of ${request.length} bytes, at most ${bytesMax}`);
      };
      const send = async ({ kind, body }: Answer) => resolve({ kind, body: body.slice() });
      this.#desk.answer(protocol, from, read, send).catch(reject);
    });
  }

  /** A timer may fire a little before the ban ends: then it is set again. */
  #relinkAfterBan(peer: PeerKey): void {
    const leftMs = this.#allowList.banLeftMs(peer);
    if (leftMs > 0) {
      this.#banTimers.set(
        peer,
        setTimeout(() => this.#relinkAfterBan(peer), Math.ceil(leftMs)),
      );
      return;
    }
    this.#banTimers.delete(peer);
    this.#switchboard.relink(this);
  }

  #assertStarted(): void {
    if (this.#phase !== 'started') throw new NetError('closed', 'transport not running');
  }

  #exchange(peer: PeerKey, protocol: string, request: Uint8Array): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const link = this.#links.get(peer);
      const other = this.#switchboard.nodes.get(peer);
      if (link === undefined || other === undefined) {
        return reject(new NetError('unreachable', `no link to ${peer}`));
      }
      const onGone = () => reject(link.signal.reason);
      link.signal.addEventListener('abort', onGone);
      setImmediate(() => {
        other
          .answer(protocol, this.self, request)
          .then(resolve, reject)
          .finally(() => link.signal.removeEventListener('abort', onGone));
      });
    });
  }

  #sendOn(topic: Topic, framed: Uint8Array, except: PeerKey | null): void {
    for (const peer of this.#links.keys()) {
      if (peer === except) continue;
      setImmediate(() => void this.#switchboard.nodes.get(peer)?.receive(topic, framed, this.self));
    }
  }

  #firstSight(framed: Uint8Array): boolean {
    const id = bytesToHex(sha256(framed));
    if (this.#seen.has(id)) return false;
    this.#seen.add(id);
    if (this.#seen.size > SEEN_MAX) this.#seen.delete(this.#seen.values().next().value!);
    return true;
  }
}
