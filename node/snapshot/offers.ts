import { NetError, type PeerKey, type Transport } from '../../net/index.js';
import type { Clock } from '../driver/clock.js';
import type { Logger } from '../log.js';
import { answerBytes, OFFER_PROTOCOL, readOffer } from './messages.js';

/** How long peers may take to be there at all, and, once one is, how long the others have. */
const FIRST_PEER_MS = 30_000;
const OTHER_PEERS_MS = 500;
const LOOK_MS = 50;
const TIMEOUT_MS = 3_000;

/** A height whose state these peers say they serve. Nothing of it is believed. */
export interface Offer {
  readonly height: number;
  readonly peers: readonly PeerKey[];
}

interface Parties {
  readonly transport: Pick<Transport, 'request' | 'connectedPeers'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Waits until somebody is there, and a little for the others. False: nobody came. */
export async function somePeer({ transport, clock }: Parties): Promise<boolean> {
  const pause = (ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve));
  const end = clock.monotonic() + FIRST_PEER_MS;
  while (transport.connectedPeers().length === 0) {
    if (clock.monotonic() > end) return false;
    await pause(LOOK_MS);
  }
  await pause(OTHER_PEERS_MS);
  return true;
}

/** What each connected peer offers; who does not answer, or badly, offers nothing. */
export async function offersOf(parties: Parties): Promise<ReadonlyMap<PeerKey, readonly number[]>> {
  const { transport, log } = parties;
  const asked = transport.connectedPeers().map(async (peer) => {
    try {
      const options = { timeoutMs: TIMEOUT_MS, responseBytesMax: answerBytes.offer };
      const raw = await transport.request(peer, OFFER_PROTOCOL, new Uint8Array(0), options);
      return [peer, readOffer(raw) ?? []] as const;
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      log('debug', 'join-no-offer', { peer, error: error.message });
      return [peer, []] as const;
    }
  });
  return new Map(await Promise.all(asked));
}

/**
 * The height to join at, `least` or above: the one that most peers offer, of these the highest. So one liar's height is
 * taken only where no two others agree; peers of `failed` offers, who may be liars, are heard only if nobody else is.
 * Null: there is none.
 */
export function bestOffer(
  offers: ReadonlyMap<PeerKey, readonly number[]>,
  least: number,
  failed: ReadonlySet<PeerKey>,
): Offer | null {
  const byHeight = new Map<number, PeerKey[]>();
  const heard = [...offers].filter(([peer]) => !failed.has(peer));
  const some = heard.some(([, heights]) => heights.some((height) => height >= least));
  for (const [peer, heights] of some ? heard : offers) {
    for (const height of new Set(heights)) {
      if (height >= least) byHeight.set(height, [...(byHeight.get(height) ?? []), peer]);
    }
  }
  const [best] = [...byHeight].sort(([a, of], [b, or]) => or.length - of.length || b - a);
  return best === undefined ? null : { height: best[0], peers: best[1] };
}
