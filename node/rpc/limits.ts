import { limits } from '../../chain/index.js';
import { base64Length } from './json.js';

/** Every bound of the RPC. A server may be given smaller ones. */
export const rpcLimits = {
  /** One request: a payload of the largest size in base64, its transaction, and slack. */
  bodyBytesMax: base64Length(limits.payloadBytesMax) + 1024 * 1024,
  /** Values, names and brackets in one request; a text counts once, however long it is. */
  tokensMax: 65_536,
  /** Requests in one batch. */
  batchMax: 32,
  /** HTTP requests at work at once, waiting ones among them. */
  requestsMax: 256,
  /** Sockets; further ones are closed at once. */
  connectionsMax: 1_024,
  /** Bytes of large bodies and answers in memory at once; small ones are bounded by `requestsMax`. */
  bufferedBytesMax: 256 * 1024 * 1024,
  smallBytesMax: 64 * 1024,
  /** One answer, batches included. */
  answerBytesMax: 64 * 1024 * 1024,
  /** Longest a request may wait for the chain, all waits of a batch together. */
  waitMsMax: 30_000,
  headersTimeoutMs: 10_000,
  /** From a request's first byte to its last. */
  requestTimeoutMs: 60_000,
  /** A socket on which nothing moves; longer than a wait. */
  idleTimeoutMs: 60_000,
  keepAliveTimeoutMs: 10_000,
  /** How long `close` lets running requests end before it cuts them. */
  closeGraceMs: 5_000,
  headerBytesMax: 16 * 1024,
  /** WebSockets at once. */
  socketsMax: 256,
  /** One message over a WebSocket; larger submissions go over HTTP, where memory is counted. */
  socketMessageBytesMax: 1024 * 1024,
  /** Messages of one socket that wait for their answers. */
  socketQueueMax: 64,
  /** Subscriptions of one socket. */
  subscriptionsMax: 16,
  /** How often a socket is asked whether anybody is there; it has as long to answer. */
  socketPingMs: 20_000,
} as const;
export type RpcLimits = { readonly [K in keyof typeof rpcLimits]: number };

/** Bounds of single methods' answers. */
export const answerLimits = {
  tasks: 100,
  rounds: 50,
  exportBlocks: 512,
  exportBytes: 8 * 1024 * 1024,
  /** Blocks that one call may read through to measure updates. */
  scannedBlocks: 1_024,
  /** Steps of a light client in one answer, and their bytes; one step is always given. */
  steps: 64,
  stepBytes: 2 * 1024 * 1024,
} as const;
