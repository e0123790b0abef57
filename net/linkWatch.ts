import type { Connection, PeerId, Stream } from '@libp2p/interface';
import { peerKeyOf } from './libp2pKeys.js';
import type { Node } from './libp2pNode.js';
import type { NetLimits } from './limits.js';
import type { PeerKey } from './transport.js';

export interface LinkWatchOptions {
  readonly node: Node;
  readonly limits: NetLimits;
  readonly gossipTopics: readonly string[];
  /** A link began or ceased to carry gossip both ways. */
  readonly onChange: (peer: PeerKey, state: 'connected' | 'disconnected') => void;
  /** The last connection to a peer closed. */
  readonly onLinkLost: (peer: PeerKey) => void;
  /** Connections are open but gossip is not, for too long or not any more. */
  readonly onLinkStuck: (peer: PeerKey) => void;
}

/** How often a link that is being set up is looked at. */
const SETUP_LOOK_MS = 10;

const GOSSIP_PROTOCOL = '/meshsub/';

/**
 * Tells which links carry gossip both ways, and finds those that stopped to.
 *
 * gossipsub drops a peer for good when one of its two streams breaks (an oversized message, a full send buffer)
 * while the connection stays up. So this looks at the facts, not at events: after each change that libp2p tells of,
 * at each heartbeat of gossipsub, and often while a link is being set up. What has a connection and no gossip is
 * reported as stuck; hung up and dialled anew it heals.
 */
export class LinkWatch {
  readonly #options: LinkWatchOptions;
  readonly #connected = new Set<PeerKey>();
  /** Peers with a connection that does not carry gossip yet, and since when. */
  readonly #forming = new Map<PeerKey, number>();
  /** Outbound gossip streams that gossipsub has had a turn of the event loop to take up since they opened. */
  readonly #settled = new WeakSet<Stream>();
  readonly #look = () => this.#inspect();
  readonly #onClose = (event: CustomEvent<Connection>) => this.#closed(event.detail.remotePeer);
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;

  constructor(options: LinkWatchOptions) {
    this.#options = options;
    const { node } = options;
    node.addEventListener('connection:open', this.#look);
    node.addEventListener('connection:close', this.#onClose);
    node.services.gossip.addEventListener('subscription-change', this.#look);
    node.services.gossip.addEventListener('gossipsub:heartbeat', this.#look);
    this.#inspect();
  }

  connected(): readonly PeerKey[] {
    return [...this.#connected];
  }

  /** Forgets all peers, telling nobody. */
  stop(): void {
    this.#stopped = true;
    const { node } = this.#options;
    node.removeEventListener('connection:open', this.#look);
    node.removeEventListener('connection:close', this.#onClose);
    node.services.gossip.removeEventListener('subscription-change', this.#look);
    node.services.gossip.removeEventListener('gossipsub:heartbeat', this.#look);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#connected.clear();
    this.#forming.clear();
  }

  #closed(id: PeerId): void {
    this.#inspect();
    const peer = peerKeyOf(id);
    if (peer !== null && !this.#linked().has(peer)) this.#options.onLinkLost(peer);
  }

  #inspect(): void {
    if (this.#stopped) return;
    const { limits, onChange, onLinkStuck } = this.#options;
    const linked = this.#linked();
    const stuck: PeerKey[] = [];
    const now = performance.now();
    for (const [peer, carries] of linked) {
      if (carries) {
        this.#forming.delete(peer);
        if (this.#connected.has(peer)) continue;
        this.#connected.add(peer);
        onChange(peer, 'connected');
      } else {
        const since = this.#forming.get(peer) ?? now;
        this.#forming.set(peer, since);
        if (this.#connected.has(peer) || now - since > limits.linkSetupMs) stuck.push(peer);
      }
    }
    for (const peer of this.#forming.keys()) if (!linked.has(peer)) this.#forming.delete(peer);
    for (const peer of this.#connected) {
      if (linked.get(peer)) continue;
      this.#connected.delete(peer);
      onChange(peer, 'disconnected');
    }
    for (const peer of stuck) {
      this.#forming.delete(peer);
      onLinkStuck(peer);
    }
    this.#lookAgain();
  }

  #lookAgain(): void {
    if (this.#timer !== null || this.#forming.size === 0 || this.#stopped) return;
    const unsettled = this.#options.node.getConnections().flatMap(gossipStreams);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      for (const stream of unsettled) this.#settled.add(stream);
      this.#inspect();
    }, SETUP_LOOK_MS);
  }

  /** Peers with an open connection; the value tells whether gossip goes both ways. */
  #linked(): Map<PeerKey, boolean> {
    const { node, gossipTopics } = this.#options;
    const sending = new Set<PeerKey>();
    const linked = new Map<PeerKey, boolean>();
    for (const connection of node.getConnections()) {
      const peer = peerKeyOf(connection.remotePeer);
      if (peer === null || connection.status !== 'open') continue;
      linked.set(peer, false);
      if (gossipStreams(connection).some((stream) => this.#settled.has(stream))) sending.add(peer);
    }
    const hearing = gossipTopics.map(
      (topic) => new Set(node.services.gossip.getSubscribers(topic).map(peerKeyOf)),
    );
    for (const peer of linked.keys()) {
      linked.set(peer, sending.has(peer) && hearing.every((subscribers) => subscribers.has(peer)));
    }
    return linked;
  }
}

/** The streams on which we send gossip. */
function gossipStreams(connection: Connection): readonly Stream[] {
  return connection.streams.filter(
    ({ direction, status, protocol }) =>
      direction === 'outbound' && status === 'open' && protocol.startsWith(GOSSIP_PROTOCOL),
  );
}
