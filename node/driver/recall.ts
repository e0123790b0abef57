import { readState } from '../../chain/index.js';
import { eraOf, ringCell, type Tip } from '../../consensus/index.js';
import type { ChainStart } from '../../genesis/index.js';
import type { Logger } from '../log.js';
import { type Store, StoreError } from '../store/index.js';
import { committeeOf } from '../tip.js';
import { votesOfCertificate } from './height.js';
import type { WitnessOptions } from './witness.js';

/**
 * What the store tells a new life of the heights that earlier ones decided: the committee, and the cert votes in the
 * certificate and in the next block's `parentVotes`. Soft and next votes, and a leader's signature, are in no block.
 *
 * `tip`: the head on opening. Cost of a height: three blocks are read and decoded. Null where the state knows its ring
 * no more, and (with a line in the log) where the disk does not give it.
 */
export function recallFrom(
  { store, chain, log }: { readonly store: Store; readonly chain: ChainStart; readonly log: Logger },
  tip: Tip,
): NonNullable<WitnessOptions['before']> {
  const { eraHeights } = chain.rules;
  const state = readState(tip.state);
  const recall = (height: number) => {
    const ring = ringCell.get(state, eraOf(height, eraHeights));
    const stored = store.block(height);
    if (ring === null || stored === null) return null;
    const committee = committeeOf(store, chain, ring, height);
    const carried = store.block(height + 1)?.block.parentVotes ?? [];
    const votes = [...votesOfCertificate({ committee }, stored.certificate), ...carried];
    return { committee, hash: stored.hash, votes };
  };
  return {
    height: tip.height,
    recall: (height) => {
      try {
        return recall(height);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        log('warn', 'votes-not-recalled', { height, error: error.message });
        return null;
      }
    },
  };
}
