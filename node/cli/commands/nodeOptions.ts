import type { Command } from 'commander';
import { openNetwork } from '../../provision/index.js';
import { RpcError } from '../../rpc/index.js';
import { nodeUrl } from '../args.js';
import { CliError } from '../failure.js';
import { createNodePool, type NodePool } from '../nodePool.js';

export interface NodeOptions {
  readonly network?: string;
  readonly node?: string;
}

/** The options of every command that asks a node. */
export function nodeOptions(command: Command): Command {
  return command
    .option('--network <folder>', 'a provisioned network: asks whichever of its nodes answers')
    .option('--node <url>', 'a node’s RPC address', nodeUrl);
}

/** The nodes that the options name. Throws CliError "usage" if they name none, "unreachable" if a network is down. */
export function nodesOf({ network, node }: NodeOptions): NodePool {
  if (node !== undefined) return createNodePool([node]);
  if (network === undefined) throw new CliError('usage', 'which node? Give --network FOLDER or --node URL');
  const pool = createNodePool(openNetwork(network).file.nodes.map(({ rpc }) => rpc));
  return { ...pool, use: (work) => pool.use(work).catch((error) => throwDown(error, network)) };
}

function throwDown(error: unknown, network: string): never {
  if (!(error instanceof RpcError) || error.word !== 'unreachable') throw error;
  const hint = `"consilium testnet up ${network}" starts them, "testnet status" tells who runs`;
  throw new CliError('unreachable', `no validator of ${network} answers`, hint, { cause: error });
}
