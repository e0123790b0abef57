import './polyfill.js';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { type GossipSub, gossipsub } from '@libp2p/gossipsub';
import { type Identify, identify } from '@libp2p/identify';
import type { ConnectionGater, Libp2p } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { createLibp2p } from 'libp2p';
import { sha256 } from '../crypto/index.js';
import { NONCE_BYTES } from './gossipInbox.js';
import { peerKeyOf } from './libp2pKeys.js';
import type { NetLimits } from './limits.js';
import { thriftyYamux } from './thriftyYamux.js';
import type { PeerKey } from './transport.js';

export interface NodeServices extends Record<string, unknown> {
  readonly identify: Identify;
  readonly gossip: GossipSub;
}

export type Node = Libp2p<NodeServices>;

export interface NodeOptions {
  readonly secret: Uint8Array;
  readonly listen: readonly string[];
  readonly limits: NetLimits;
  readonly gossipTopics: readonly string[];
  /** Whether a key may have a link to us now. */
  readonly admits: (peer: PeerKey) => boolean;
}

/** gossipsub sends nothing above this; what it receives may be a little larger, with the framing. */
const GOSSIP_SEND_BYTES_MAX = 4 * 1024 * 1024;

/** Bytes of protobuf around the data of a gossip message: field heads and the topic. */
const GOSSIP_OVERHEAD_BYTES = 1024;

/** The libp2p node under a transport, not started yet. */
export async function createNode(options: NodeOptions): Promise<Node> {
  const { limits } = options;
  return createLibp2p<NodeServices>({
    start: false,
    privateKey: await generateKeyPairFromSeed('Ed25519', options.secret),
    addresses: { listen: [...options.listen] },
    transports: [tcp({ dialOpts: { noDelay: true }, listenOpts: { noDelay: true } })],
    connectionEncrypters: [noise()],
    streamMuxers: [thriftyYamux()],
    connectionGater: gater(options.admits),
    connectionManager: {
      // Room for a second link to everybody: two peers may dial each other at the same moment.
      maxConnections: 2 * limits.peersMax,
      maxParallelDials: 32,
      maxDialQueueLength: 2 * limits.peersMax,
      maxIncomingPendingConnections: limits.peersMax,
      // By host: a whole test network shares one, and hospitals may share a proxy.
      inboundConnectionThreshold: limits.peersMax,
      dialTimeout: limits.dialTimeoutMs,
      addressDialTimeout: limits.dialTimeoutMs,
      inboundUpgradeTimeout: limits.dialTimeoutMs,
      reconnectRetries: 0,
    },
    // A link that lost packets for some seconds is mute for as long again, until TCP's timer fires: a new one is
    // faster. A busy machine answers late, so only a peer that is silent for long loses its link.
    connectionMonitor: {
      pingInterval: limits.pingEveryMs,
      pingTimeout: { minTimeout: limits.pingTimeoutMs, maxTimeout: limits.pingTimeoutMs },
    },
    services: {
      identify: identify({ protocolPrefix: 'consilium' }),
      gossip: gossip(limits, options.gossipTopics),
    },
  });
}

/** Lets nobody in, and dials nobody, but those that `admits` names. Until Noise is done an inbound peer has no name. */
function gater(admits: (peer: PeerKey) => boolean): ConnectionGater {
  const denies = (id: Parameters<typeof peerKeyOf>[0]): boolean => {
    const key = peerKeyOf(id);
    return key === null || !admits(key);
  };
  return {
    denyDialPeer: denies,
    denyDialMultiaddr: () => false,
    denyInboundEncryptedConnection: denies,
    denyOutboundEncryptedConnection: denies,
  };
}

/**
 * gossipsub for a permissioned network of 4 to some tens of nodes.
 *
 * StrictNoSign: our messages carry their own signatures. The publisher sends to all its peers (floodPublish), and
 *   that is nearly everybody, so there is no mesh (D = 0): with one each of n nodes would send each message on to all
 *   that have it already, n times the work. Whom the publisher has no link to learns of the message from the others'
 *   next heartbeat (IHAVE) and asks for it. Peers stand by our own ledger (AllowList), so the scores of
 *   gossipsub only watch its own protocol, and many nodes behind one address are no offence.
 */
function gossip(limits: NetLimits, gossipTopics: readonly string[]) {
  if (limits.messageBytesMax + NONCE_BYTES + GOSSIP_OVERHEAD_BYTES > GOSSIP_SEND_BYTES_MAX) {
    throw new RangeError('messageBytesMax is above what gossipsub sends');
  }
  return gossipsub({
    globalSignaturePolicy: 'StrictNoSign',
    msgIdFn: (message) => sha256(message.data),
    allowedTopics: [...gossipTopics],
    allowPublishToZeroTopicPeers: true,
    fallbackToFloodsub: false,
    floodPublish: true,
    batchPublish: true,
    emitSelf: false,
    doPX: false,
    tagMeshPeers: false,
    D: 0,
    Dlo: 0,
    Dhi: 0,
    Dscore: 0,
    Dout: 0,
    Dlazy: 4,
    heartbeatInterval: limits.gossipHeartbeatMs,
    seenTTL: limits.gossipSeenMs,
    pruneBackoff: 10_000,
    maxInboundDataLength: 2 * GOSSIP_SEND_BYTES_MAX,
    maxOutboundBufferSize: limits.linkBufferBytesMax,
    maxInboundStreams: 4,
    maxOutboundStreams: 4,
    scoreParams: { IPColocationFactorWeight: 0, behaviourPenaltyThreshold: 6, retainScore: 60_000 },
    scoreThresholds: { opportunisticGraftThreshold: 0 },
  });
}
