import './polyfill.js';
import { publicKeyFromRaw } from '@libp2p/crypto/keys';
import type { PeerId } from '@libp2p/interface';
import { peerIdFromPublicKey } from '@libp2p/peer-id';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { bytesToHex, hexToBytes } from '../crypto/index.js';
import { NetError } from './errors.js';
import type { PeerKey } from './transport.js';

/** libp2p's name of a key: a peer id of the Ed25519 kind carries the key itself. */
export function peerIdOf(key: PeerKey): PeerId {
  const publicKey = publicKeyFromRaw(hexToBytes(key));
  if (publicKey.type !== 'Ed25519') throw new NetError('invalid-peer', `not an Ed25519 key: ${key}`);
  return peerIdFromPublicKey(publicKey);
}

/** Key of a peer id; null for ids of other key kinds, which can never be on the allow-list. */
export function peerKeyOf(id: PeerId): PeerKey | null {
  return id.type === 'Ed25519' ? bytesToHex(id.publicKey.raw) : null;
}

/**
 * Address of a peer, complete with its id, so that a dial which finds somebody else there fails.
 *
 * Fails with NetError "invalid-address".
 */
export function addressOf(key: PeerKey, address: string): Multiaddr {
  const id = peerIdOf(key).toString();
  let parsed: Multiaddr;
  try {
    parsed = multiaddr(address);
  } catch (cause) {
    throw new NetError('invalid-address', `not a multiaddr: ${address}`, { cause });
  }
  const named = parsed.getComponents().findLast((component) => component.name === 'p2p')?.value;
  if (named === undefined) return parsed.encapsulate(`/p2p/${id}`);
  if (named !== id) throw new NetError('invalid-address', `${address} names another peer than ${key}`);
  return parsed;
}
