import { readState } from '../chain/index.js';
import { drawCommittee, type RingSeat, ringAt, type Tip } from '../consensus/index.js';
import type { ChainStart } from '../genesis/index.js';
import type { Store } from './store/index.js';

/** The tip of the chain on disk: what the store holds plus the committee that agreed on its last block. */
export function tipOf(store: Store, chain: ChainStart): Tip {
  const { height } = store.head;
  if (height === 0) return chain.tip;
  const { block, hash } = store.block(height)!;
  const state = store.state();
  const committee = committeeOf(
    store,
    chain,
    ringAt(readState(state), height, chain.rules.eraHeights),
    height,
  );
  const { time, seed, leader } = block.header;
  return { chainId: chain.chainId, height, hash, time, seed, leader, committee, state };
}

/** The committee of a height on disk in its order; `ring`: that of the height's era. */
export function committeeOf(
  store: Store,
  { rules, tip: genesis }: ChainStart,
  ring: readonly RingSeat[],
  height: number,
): readonly RingSeat[] {
  const parentSeed = height === 1 ? genesis.seed : store.block(height - 1)!.block.header.seed;
  return drawCommittee(ring, parentSeed, Math.min(rules.members, ring.length)).map((seat) => ring[seat]!);
}
