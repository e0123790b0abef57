import { type LightStep, lightChain } from '../../../audit/light/index.js';
import { readState } from '../../../chain/index.js';
import { eraOf, type RingSeat, ringCell, ringRoot } from '../../../consensus/index.js';
import { equalBytes } from '../../../crypto/index.js';
import { parseGenesis } from '../../../genesis/index.js';
import type { StoredBlock } from '../../store/index.js';
import type { RpcContext } from '../context.js';
import { RpcError } from '../errors.js';

/** What a node can tell light clients of its own chain. Each throws RpcError 'not-found' for what it lacks. */
export interface LightSource {
  block(height: number): StoredBlock;
  /** The ring that draws the committee after `height`. */
  ringAfter(height: number): readonly RingSeat[];
  /** The next height that a client at `from` has to be shown on its way to `to`. */
  next(from: number, to: number): number;
  step(height: number): LightStep;
}

export function lightSource(context: RpcContext): LightSource {
  const tip = context.head();
  const state = readState(tip.state);
  const { chain, head: genesis } = genesisOf(context);

  const block = (height: number): StoredBlock => {
    const stored = context.store.block(height);
    if (stored !== null) return stored;
    throw new RpcError('not-found', `there is no block ${height} here; the head is at ${tip.height}`);
  };
  const ringAfter = (height: number): readonly RingSeat[] => {
    if (height === 0) return genesis.ring;
    const kept = ringCell.get(state, eraOf(height + 1, chain.eraHeights));
    if (kept !== null) return kept;
    const { nextRingRoot } = block(height).block.header;
    // The ring of the first eras was written by no block.
    const ring = context.store.ring(nextRingRoot) ?? genesis.ring;
    if (equalBytes(ringRoot(ring), nextRingRoot)) return ring;
    throw new RpcError('not-found', `this node never knew who voted after height ${height}`);
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
      const { block: at, certificate } = block(height);
      const parentSeed = height === 1 ? genesis.seed : block(height - 1).block.header.seed;
      const before = height === 1 ? ringRoot(genesis.ring) : block(height - 1).block.header.nextRingRoot;
      const changes = !equalBytes(before, at.header.nextRingRoot);
      return {
        header: at.header,
        certificate: { ...certificate, chainId: chain.chainId },
        parentSeed,
        nextRing: changes ? ringAfter(height) : null,
      };
    },
  };
}

const geneses = new WeakMap<RpcContext, ReturnType<typeof lightChain>>();

function genesisOf(context: RpcContext): ReturnType<typeof lightChain> {
  const known = geneses.get(context);
  if (known !== undefined) return known;
  const parsed = parseGenesis(context.genesisText);
  if (!parsed.ok) throw new Error(`bug: the node runs on a genesis that does not parse: ${parsed.detail}`);
  const start = lightChain(parsed.genesis);
  geneses.set(context, start);
  return start;
}
