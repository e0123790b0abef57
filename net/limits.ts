/** Every bound of this room. Sizes in bytes, times in milliseconds, standing in points. */
export interface NetLimits {
  /** Peers on the allow-list. */
  readonly peersMax: number;
  /** One gossip message, without the 8 byte nonce. Below gossipsub's hard cap of 4 MiB a send. */
  readonly messageBytesMax: number;
  /** Published and not yet handed to the links. */
  readonly outboundBytesMax: number;
  /** Gossip waiting in one link's send buffer; a peer that reads slower than this loses the link. */
  readonly linkBufferBytesMax: number;
  /** Messages of one peer on one topic whose handler has not answered yet; further ones are ignored. */
  readonly inboundPendingMax: number;
  /** Gossip that one peer may deliver on one topic, in messages and in bytes; the bursts are what it may save up. */
  readonly inboundMessagesPerSecond: number;
  readonly inboundMessagesBurst: number;
  readonly inboundBytesPerSecond: number;
  readonly inboundBytesBurst: number;
  /** Requests to one peer without an answer yet. */
  readonly requestsPerPeerMax: number;
  /** Default wait for the answer to a request. */
  readonly requestTimeoutMs: number;
  /** How long a served request may take to arrive, and its answer to leave. */
  readonly transferTimeoutMs: number;
  /** Default bound of a response. */
  readonly responseBytesMax: number;
  /** A link that does not carry gossip by then is given up and dialled anew. */
  readonly linkSetupMs: number;
  /** One attempt to open a link. */
  readonly dialTimeoutMs: number;
  /** How often each link is asked whether it lives, and how long the answer may take before it is hung up. */
  readonly pingEveryMs: number;
  readonly pingTimeoutMs: number;
  /** First wait after a failed dial or a lost link; doubles up to `redialMaxMs`, each with jitter. */
  readonly redialMinMs: number;
  readonly redialMaxMs: number;
  /** Of two peers that know each other the one with the larger key waits this long for the other's dial. */
  readonly dialGraceMs: number;
  readonly gossipHeartbeatMs: number;
  /** How long a message is remembered, to drop its copies. */
  readonly gossipSeenMs: number;
  /** Points at which a peer is disconnected and shut out for `banMs`. */
  readonly penaltyPointsMax: number;
  /** Points forgiven per second. */
  readonly penaltyDecayPerSecond: number;
  readonly banMs: number;
  /** Points for a gossip message that the handler rejects. */
  readonly rejectPoints: number;
  /** Points for breaking a size bound or a frame. */
  readonly oversizePoints: number;
  /** Points a second for gossip above the rate. More than decay, so that a flood ends in a ban. */
  readonly ratePoints: number;
}

export const defaultNetLimits: NetLimits = Object.freeze({
  peersMax: 256,
  messageBytesMax: 2 * 1024 * 1024,
  outboundBytesMax: 16 * 1024 * 1024,
  linkBufferBytesMax: 32 * 1024 * 1024,
  inboundPendingMax: 1024,
  // A node at work sends some hundred messages a second; batches carry thousands of transactions in a few dozen.
  inboundMessagesPerSecond: 2_000,
  inboundMessagesBurst: 4_000,
  inboundBytesPerSecond: 32 * 1024 * 1024,
  inboundBytesBurst: 64 * 1024 * 1024,
  requestsPerPeerMax: 64,
  requestTimeoutMs: 5_000,
  transferTimeoutMs: 30_000,
  responseBytesMax: 4 * 1024 * 1024,
  linkSetupMs: 8_000,
  dialTimeoutMs: 5_000,
  pingEveryMs: 3_000,
  pingTimeoutMs: 8_000,
  redialMinMs: 100,
  redialMaxMs: 5_000,
  dialGraceMs: 400,
  gossipHeartbeatMs: 500,
  gossipSeenMs: 30_000,
  penaltyPointsMax: 100,
  penaltyDecayPerSecond: 1,
  banMs: 60_000,
  rejectPoints: 10,
  oversizePoints: 25,
  ratePoints: 6,
});

/** Bounds of the payload exchange (docs/payloads.md says why). */
export interface PayloadLimits {
  /** One payload. */
  readonly payloadBytesMax: number;
  /** Sum of the sizes of the payloads being fetched; further fetches wait. Their chunks lie on disk. */
  readonly inFlightBytesMax: number;
  /** Payloads being fetched at a time: one open file each. */
  readonly runningMax: number;
  /** Fetches that wait or run. */
  readonly fetchesMax: number;
  /** Whole payloads in memory at a time, on their way to the store; one always fits. */
  readonly wholeBytesMax: number;
  /** Peers tried for one payload. */
  readonly candidatesMax: number;
  /** Chunk requests to one peer at a time, over all payloads; 1 while the peer is late. */
  readonly chunksPerPeer: number;
  /** A chunk request without an answer for so long has failed. */
  readonly chunkTimeoutMs: number;
  /** A chunk without an answer for so long is asked of another peer, however slow the first one is known to be. */
  readonly reassignMs: number;
  /** A peer whose answer takes longer than this is late: of whom nothing is known, and at the least. */
  readonly lateStartMs: number;
  readonly lateMinMs: number;
  /** At the end of a payload a free peer is asked for what another has under way for so long, at the least. */
  readonly hedgeMinMs: number;
  /** First wait before a peer that lacked a chunk is asked again; doubles up to `askAgainMaxMs`. */
  readonly askAgainMs: number;
  readonly askAgainMaxMs: number;
  /** A peer that lacked what it was asked for so often in a row is asked no more. */
  readonly missesMax: number;
  /** Chunk requests of one peer served at a time. At least `chunksPerPeer` of the other nodes. */
  readonly serveConcurrentMax: number;
  /** Payloads kept ready while peers pull them; one always is. */
  readonly servedBytesMax: number;
  /** Points for a chunk that fails its proof. */
  readonly wrongChunkPoints: number;
  /** Points for being late, once until the next answer, and for an answer that never came. */
  readonly latePoints: number;
}

const MIB = 1024 * 1024;

export const defaultPayloadLimits: PayloadLimits = Object.freeze({
  payloadBytesMax: 32 * MIB,
  // What one block may announce.
  inFlightBytesMax: 256 * MIB,
  runningMax: 16,
  fetchesMax: 4096,
  wholeBytesMax: 32 * MIB,
  candidatesMax: 256,
  chunksPerPeer: 8,
  chunkTimeoutMs: 10_000,
  reassignMs: 1_500,
  lateStartMs: 1_000,
  lateMinMs: 500,
  hedgeMinMs: 50,
  askAgainMs: 200,
  askAgainMaxMs: 1_600,
  missesMax: 8,
  serveConcurrentMax: 16,
  servedBytesMax: 32 * MIB,
  wrongChunkPoints: 50,
  latePoints: 5,
});
