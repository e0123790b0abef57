/** Moves bytes between nodes: gossip, requests, payloads. Knows nothing of what they mean. */
export {
  type Batcher,
  type BatcherOptions,
  type BatchLimits,
  createBatcher,
  joinBatch,
  splitBatch,
} from './batch.js';
export { chunkSlotBytes } from './chunk.js';
export type { NetClock } from './clock.js';
export { NetError, type NetErrorCode } from './errors.js';
export { createLibp2pTransport, type Libp2pTransportOptions } from './libp2pTransport.js';
export { defaultNetLimits, defaultPayloadLimits, type NetLimits, type PayloadLimits } from './limits.js';
export { createMemoryNetwork, type MemoryNetwork, type MemoryNetworkOptions } from './memoryTransport.js';
export { memoryPartials, type PartialPayload, type PartialPayloads, partialIn } from './partials.js';
export {
  createPayloadExchange,
  type PayloadExchange,
  type PayloadExchangeOptions,
  type PayloadStore,
} from './payloads.js';
export { type Rate, RateLimit, type RateLimitOptions } from './rateLimit.js';
export type {
  GossipFault,
  MessageHandler,
  PeerAddress,
  PeerKey,
  RequestHandler,
  RequestOptions,
  ServeLimits,
  Topic,
  Transport,
  Verdict,
} from './transport.js';
