import { readState } from '../chain/index.js';
import { drawCommittee, ringAt, type Tip } from '../consensus/index.js';
import type { ChainStart } from '../genesis/index.js';
import { certifiedAt, type Store } from './store/index.js';

/** The tip of the chain on disk: what the store holds plus the committee that agreed on its last block. */
export function tipOf(store: Store, { chainId, rules, tip: genesis }: ChainStart): Tip {
  const { height } = store.head;
  if (height === 0) return genesis;
  const { header, hash } = certifiedAt(store, height)!;
  const state = store.state();
  const ring = ringAt(readState(state), height, rules.eraHeights);
  const members = drawCommittee(
    ring,
    seedBefore(store, height, genesis.seed),
    Math.min(rules.members, ring.length),
  );
  const { time, seed, leader } = header;
  const committee = members.map((index) => ring[index]!);
  return { chainId, height, hash, time, seed, leader, committee, state };
}

function seedBefore(store: Store, height: number, genesisSeed: Uint8Array): Uint8Array {
  if (height === 1) return genesisSeed;
  const { base } = store;
  return base?.header.height === height ? base.parentSeed : certifiedAt(store, height - 1)!.header.seed;
}
