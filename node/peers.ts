import { readState, type StateReader } from '../chain/index.js';
import type { Tip } from '../consensus/index.js';
import { validatorsCell } from '../contracts/index.js';
import { bytesToHex } from '../crypto/index.js';
import { defaultNetLimits, type PeerAddress } from '../net/index.js';
import type { NodeConfig } from './settings/index.js';

/**
 * Who may connect in this state, at most `peersMax`: validators with a seat, then the configured peers, then those
 * whose seat is gone, who may still follow the chain. One without a configured address is waited for: it dials.
 *
 * The configured ones stay whatever the state says, since a node that has just joined knows of no later validator
 * than those of genesis, and has to reach somebody.
 */
export function peersIn(state: StateReader, configured: NodeConfig['peers']): readonly PeerAddress[] {
  const validators = (validatorsCell.get(state) ?? []).map(({ publicKey, seat }) => ({
    key: bytesToHex(publicKey),
    isGone: seat === 'lost',
  }));
  const ordered = [
    ...validators.filter(({ isGone }) => !isGone).map(({ key }) => key),
    ...configured.map(({ publicKey }) => publicKey),
    ...validators.filter(({ isGone }) => isGone).map(({ key }) => key),
  ];
  const addresses = new Map(configured.map((peer) => [peer.publicKey, peer.addresses]));
  const keys = [...new Set(ordered)].slice(0, defaultNetLimits.peersMax);
  return keys.map((key) => ({ key, addresses: addresses.get(key) ?? [] }));
}

export interface PeerList {
  /** The state that decides who may connect. */
  follow(tip: Tip): void;
  /** With these there is no link until the next call says otherwise: an operator's partition. */
  cut(keys: readonly string[]): void;
}

/** Tells the transport whom the state admits, but for those who are cut: at once, and whenever that has changed. */
export function followPeers(
  configured: NodeConfig['peers'],
  setPeers: (peers: readonly PeerAddress[]) => void,
): PeerList {
  let known: Uint8Array | null | undefined;
  let admitted: readonly PeerAddress[] = [];
  let away: ReadonlySet<string> = new Set();
  const tell = () => setPeers(admitted.filter(({ key }) => !away.has(key)));
  return {
    follow: ({ state }) => {
      const reader = readState(state);
      // Values of the state are never changed in place, so the same bytes mean the same validators.
      const validators = reader.get(validatorsCell.key());
      if (validators === known) return;
      known = validators;
      admitted = peersIn(reader, configured);
      tell();
    },
    cut: (keys) => {
      away = new Set(keys);
      tell();
    },
  };
}
