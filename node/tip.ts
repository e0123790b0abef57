import { readState } from '../chain/index.js';
import { drawCommittee, type RingSeat, ringAt, type Tip } from '../consensus/index.js';
import type { ChainStart } from '../genesis/index.js';
import { certifiedAt, type Store } from './store/index.js';

/** The tip of the chain on disk: what the store holds plus the committee that agreed on its last block. */
export function tipOf(store: Store, chain: ChainStart): Tip {
  const { height } = store.head;
  if (height === 0) return chain.tip;
  const { header, hash } = certifiedAt(store, height)!;
  const state = store.state();
  const ring = ringAt(readState(state), height, chain.rules.eraHeights);
  const committee = committeeOf(store, chain, ring, height);
  const { time, seed, leader } = header;
  return { chainId: chain.chainId, height, hash, time, seed, leader, committee, state };
}

/** The committee of a height on disk in its order; `ring`: that of the height's era. */
export function committeeOf(
  store: Store,
  { rules, tip: genesis }: ChainStart,
  ring: readonly RingSeat[],
  height: number,
): readonly RingSeat[] {
  const parentSeed = seedBefore(store, height, genesis.seed);
  return drawCommittee(ring, parentSeed, Math.min(rules.members, ring.length)).map((seat) => ring[seat]!);
}

function seedBefore(store: Store, height: number, genesisSeed: Uint8Array): Uint8Array {
  if (height === 1) return genesisSeed;
  const { base } = store;
  return base?.header.height === height ? base.parentSeed : certifiedAt(store, height - 1)!.header.seed;
}
