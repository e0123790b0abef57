import { type LightStep, lightChainOf } from '../../audit/light/index.js';
import { readState } from '../../chain/index.js';
import { eraOf, type RingSeat, ringCell, ringRoot, type Tip } from '../../consensus/index.js';
import { equalBytes } from '../../crypto/index.js';
import type { ChainStart } from '../../genesis/index.js';
import { baseHeight, belowBase, type CertifiedHeader, certifiedAt, type Store } from '../store/index.js';

/** What a node can tell light clients of its own chain. What it lacks it says by throwing what `lacks` makes. */
export interface LightSource {
  block(height: number): CertifiedHeader;
  /** The ring that draws the committee after `height`. */
  ringAfter(height: number): readonly RingSeat[];
  /** The next height that a client at `from` has to be shown on its way to `to`. */
  next(from: number, to: number): number;
  step(height: number): LightStep;
}

export interface LightSourceParts {
  readonly chain: ChainStart;
  readonly store: Pick<Store, 'block' | 'ring' | 'base'>;
  readonly tip: Tip;
  readonly lacks: (detail: string) => Error;
}

/** Valid for as long as `tip` is the tip. */
export function lightSource({ chain: start, store, tip, lacks }: LightSourceParts): LightSource {
  const state = readState(tip.state);
  const { chain, head: genesis } = genesisOf(start);
  // A step reads its own block and the one before, and headers of an era's end are read twice.
  let newest: readonly CertifiedHeader[] = [];

  const block = (height: number): CertifiedHeader => {
    const known = newest.find(({ header }) => header.height === height);
    if (known !== undefined) return known;
    const found = certifiedAt(store, height);
    if (found === null && height > 0 && height < baseHeight(store)) throw lacks(belowBase(store));
    if (found === null) throw lacks(`there is no block ${height} here; the head is at ${tip.height}`);
    newest = [found, ...newest.slice(0, 2)];
    return found;
  };
  const ringAfter = (height: number): readonly RingSeat[] => {
    if (height === 0) return genesis.ring;
    const kept = ringCell.get(state, eraOf(height + 1, chain.eraHeights));
    if (kept !== null) return kept;
    const { nextRingRoot } = block(height).header;
    // The ring of the first eras was written by no block.
    const ring = store.ring(nextRingRoot) ?? genesis.ring;
    if (equalBytes(ringRoot(ring), nextRingRoot)) return ring;
    throw lacks(`this node never knew who voted after height ${height}`);
  };
  /** Of the block before: its seed, and the root of the ring after it (null: not known here). */
  const before = (height: number): { readonly seed: Uint8Array; readonly ringRoot: Uint8Array | null } => {
    if (height === 1) return { seed: genesis.seed, ringRoot: ringRoot(genesis.ring) };
    if (store.base !== null && height === baseHeight(store))
      return { seed: store.base.parentSeed, ringRoot: null };
    const { seed, nextRingRoot } = block(height - 1).header;
    return { seed, ringRoot: nextRingRoot };
  };

  return {
    block,
    ringAfter,
    next: (from, to) => {
      if (ringAfter(from).length > chain.members) return from + 1;
      const endOfEra = (eraOf(from + 1, chain.eraHeights) + 1) * chain.eraHeights - 1;
      return Math.min(to, endOfEra);
    },
    step: (height) => {
      const { header, certificate } = block(height);
      const { seed: parentSeed, ringRoot: root } = before(height);
      const same = root !== null && equalBytes(root, header.nextRingRoot);
      return {
        header,
        certificate: { ...certificate, chainId: chain.chainId },
        parentSeed,
        nextRing: same ? null : ringAfter(height),
      };
    },
  };
}

const geneses = new WeakMap<ChainStart, ReturnType<typeof lightChainOf>>();

function genesisOf(chain: ChainStart): ReturnType<typeof lightChainOf> {
  const known = geneses.get(chain) ?? lightChainOf(chain);
  geneses.set(chain, known);
  return known;
}
