import { readState } from '../chain/index.js';
import { drawCommittee, ringAt, type Tip } from '../consensus/index.js';
import type { ChainStart } from '../genesis/index.js';
import type { Store } from './store/index.js';

/** The tip of the chain on disk: what the store holds plus the committee that agreed on its last block. */
export function tipOf(store: Store, { chainId, rules, tip: genesis }: ChainStart): Tip {
  const { height } = store.head;
  if (height === 0) return genesis;
  const { block, hash } = store.block(height)!;
  const parentSeed = height === 1 ? genesis.seed : store.block(height - 1)!.block.header.seed;
  const state = store.state();
  const ring = ringAt(readState(state), height, rules.eraHeights);
  const members = drawCommittee(ring, parentSeed, Math.min(rules.members, ring.length));
  const { time, seed, leader } = block.header;
  const committee = members.map((index) => ring[index]!);
  return { chainId, height, hash, time, seed, leader, committee, state };
}
