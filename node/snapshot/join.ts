import { existsSync } from 'node:fs';
import { neededRefs } from '../../audit/index.js';
import { lightChainOf } from '../../audit/light/index.js';
import { type PayloadRef, readState } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import type { ChainStart } from '../../genesis/index.js';
import {
  createPayloadExchange,
  NetError,
  type PartialPayloads,
  type PayloadExchange,
  type Transport,
} from '../../net/index.js';
import { type Clock, systemClock } from '../driver/clock.js';
import type { KnownBlock } from '../light/index.js';
import type { Logger } from '../log.js';
import { type BaseFolder, type Binding, beginBaseFolder, heightIn, openSalvage } from '../store/index.js';
import { Asker } from './ask.js';
import { JoinError } from './error.js';
import { bestOffer, type Offer, offersOf, somePeer } from './offers.js';
import { proveHeader, proveStart } from './prove.js';
import { pullState } from './pull.js';

/** Snapshots that are tried. */
const TRIES = 4;
/** A chain with fewer eras than this before the snapshot is synced from genesis: it is as quick, and checks more. */
const ERAS_MIN = 2;
/** Payloads that are asked for at a time. */
const FETCHES = 64;

export interface JoinOptions {
  readonly chain: ChainStart;
  /** The chain's folder: none yet, or one without a block. */
  readonly path: string;
  /** Started, its peers set, and used for nothing else. */
  readonly transport: Transport;
  /** Where chunks of unfinished payloads lie. Default: in memory. */
  readonly partials?: PartialPayloads;
  readonly log: Logger;
  /** A block to begin at instead of the genesis. */
  readonly known?: KnownBlock | undefined;
  readonly clock?: Clock;
}

/** `from-genesis`: the folder is as it was, and the node has to sync all blocks. */
export type Joined =
  | { readonly outcome: 'joined'; readonly height: number; readonly hash: Uint8Array }
  | { readonly outcome: 'from-genesis'; readonly why: 'has-blocks' | 'no-peers' | 'no-offers' | 'failed' };

/**
 * Joins a chain by a snapshot: proves a recent header as a light client does, pulls the state after it and the payloads
 * that its open rounds need, each piece checked when it comes, and makes a chain folder that begins there
 * (docs/snapshot.md). Nothing of it is in the folder's place before all of it is there.
 *
 * Where there is nothing to join (a short chain, nobody who offers), or no snapshot could be had in some tries, the node
 * syncs from genesis; not so with `known`, which only a snapshot checks.
 * Throws JoinError 'untrusted', 'unavailable' (both only with `known`), StoreError.
 */
export async function joinChain(options: JoinOptions): Promise<Joined> {
  const { chain, path, transport, partials, log, known, clock = systemClock } = options;
  if (((await heightIn(path)) ?? 0) > 0) return { outcome: 'from-genesis', why: 'has-blocks' };
  const parties = { transport, clock, log };
  let why: 'no-peers' | 'no-offers' | 'failed' = (await somePeer(parties)) ? 'no-offers' : 'no-peers';
  const least = Math.max(ERAS_MIN * chain.rules.eraHeights, (known?.height ?? 0) + 1);
  const failed = new Set<string>();
  const folder: { current: BaseFolder | null } = { current: null };
  const store = payloadStoreIn(folder);
  const payloads = createPayloadExchange({ transport, store, ...(partials && { partials }) });
  try {
    for (let tries = 1; tries <= TRIES && why !== 'no-peers'; tries += 1) {
      const offer = bestOffer(await offersOf(parties), least, failed);
      if (offer === null) break;
      try {
        return await joinAt({ ...options, clock }, offer, payloads, folder);
      } catch (error) {
        if (!(error instanceof JoinError) || error.code !== 'unavailable') throw error;
        log('warn', 'join-failed', { height: offer.height, tries, error: error.message });
        for (const peer of offer.peers) failed.add(peer);
        why = 'failed';
      }
    }
  } finally {
    await payloads.close();
  }
  if (known !== undefined) throw noSnapshot(known, why);
  log('warn', 'join-from-genesis', { why });
  return { outcome: 'from-genesis', why };
}

async function joinAt(
  { chain, path, transport, log, known, clock }: JoinOptions & { readonly clock: Clock },
  { height, peers }: Offer,
  payloads: PayloadExchange,
  target: { current: BaseFolder | null },
): Promise<Joined> {
  const begun = clock.monotonic();
  const tell = (event: string, fields: Readonly<Record<string, unknown>>): void =>
    log('info', event, { height, ...fields, ms: Math.round(clock.monotonic() - begun) });
  const asker = new Asker({ transport, clock, log }, peers);
  const { chain: light, head: genesis } = lightChainOf(chain);
  const from = known === undefined ? genesis : await proveStart(light, known, asker);
  const base = await proveHeader(light, from, height, asker);
  tell('join-header', { hash: bytesToHex(base.hash) });
  const folder = await beginBaseFolder(path, chain.chainId, await votesIn(path, chain.chainId));
  target.current = folder;
  try {
    const { tree, chunks } = await pullState(base.header, asker, folder);
    tell('join-state', { chunks });
    const needed = neededRefs(readState(tree));
    await pullPayloads(payloads, needed, transport.connectedPeers());
    await folder.finish(base, needed);
    tell('join-done', { payloads: needed.length });
    return { outcome: 'joined', height, hash: base.hash };
  } finally {
    target.current = null;
    await folder.discard();
  }
}

/** By the normal exchange: chunk by proved chunk, from several peers. Throws JoinError 'unavailable', StoreError. */
async function pullPayloads(
  payloads: PayloadExchange,
  needed: readonly PayloadRef[],
  peers: readonly string[],
): Promise<void> {
  for (let at = 0; at < needed.length; at += FETCHES) {
    const pulls = needed.slice(at, at + FETCHES).map(({ id, size }) => payloads.fetch(id, size, peers));
    const failed = (await Promise.allSettled(pulls)).find((result) => result.status === 'rejected');
    if (failed === undefined) continue;
    if (!(failed.reason instanceof NetError)) throw failed.reason;
    const message = `a payload of an open round cannot be had: ${failed.reason.message}`;
    throw new JoinError('unavailable', message, { cause: failed.reason });
  }
}

/** Payloads go into the folder that is being built, if there is one. */
function payloadStoreIn(folder: { readonly current: BaseFolder | null }) {
  return {
    has: (id: Uint8Array): boolean => folder.current?.hasPayload(id) ?? false,
    get: (id: Uint8Array): Uint8Array | null => folder.current?.payload(id) ?? null,
    put: async (id: Uint8Array, bytes: Uint8Array): Promise<void> => folder.current?.putPayload(id, bytes),
  };
}

/** What the folder that is to be replaced knows of this node's votes; null: there is none. */
async function votesIn(path: string, chainId: Uint8Array): Promise<Binding | null> {
  if (!existsSync(path)) return null;
  const salvage = await openSalvage(path, chainId);
  await salvage.close();
  return salvage.binding;
}

function noSnapshot({ height }: KnownBlock, why: string): JoinError {
  const message =
    `no snapshot after the trusted block ${height} could be had (${why}): start again when peers offer one, or ` +
    'without a trusted block';
  return new JoinError('unavailable', message);
}
