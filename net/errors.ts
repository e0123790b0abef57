/**
 * Why a call into `net` failed.
 *
 *   unreachable        no link to the peer and none could be opened in time
 *   timeout            the peer did not answer in time
 *   refused            the peer is not on the allow-list, or does not serve this, or is busy
 *   too-large          a request, a response or a payload over its bound
 *   closed             the transport is not running, or the link broke during the request
 *   message-too-large  a gossip message over `messageBytesMax`
 *   queue-full         a bounded queue has no room: try again later
 *   malformed          bytes from a peer that are not what the protocol says
 *   unavailable        no candidate delivered the payload
 *   aborted            the caller gave up
 *   invalid-peer       not the hex of an Ed25519 public key, or more peers than `peersMax`
 *   invalid-address    not a multiaddr, or one that names another peer
 *   listen-failed      the addresses to listen on could not be opened (a port in use, for one)
 */
export type NetErrorCode =
  | 'unreachable'
  | 'timeout'
  | 'refused'
  | 'too-large'
  | 'closed'
  | 'message-too-large'
  | 'queue-full'
  | 'malformed'
  | 'unavailable'
  | 'aborted'
  | 'invalid-peer'
  | 'invalid-address'
  | 'listen-failed';

/** The one error class of this room. Match on `code`, never on the message. */
export class NetError extends Error {
  readonly code: NetErrorCode;

  constructor(code: NetErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'NetError';
    this.code = code;
  }
}
