import { type ChainStart, parseGenesis, startChain } from '../../../genesis/index.js';
import { type LightSource, lightSource } from '../../light/source.js';
import type { RpcContext } from '../context.js';
import { RpcError } from '../errors.js';

/** What this node tells light clients. Each throws RpcError 'not-found' for what it lacks. */
export function sourceOf(context: RpcContext): LightSource {
  const lacks = (detail: string): Error => new RpcError('not-found', detail);
  return lightSource({ chain: startOf(context), store: context.store, tip: context.head(), lacks });
}

const starts = new WeakMap<RpcContext, ChainStart>();

function startOf(context: RpcContext): ChainStart {
  const known = starts.get(context);
  if (known !== undefined) return known;
  const parsed = parseGenesis(context.genesisText);
  if (!parsed.ok) throw new Error(`bug: the node runs on a genesis that does not parse: ${parsed.detail}`);
  const start = startChain(parsed.genesis);
  starts.set(context, start);
  return start;
}
