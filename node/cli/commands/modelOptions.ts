import type { Command } from 'commander';
import { factsFromExport, factsFromNode, type ModelFacts } from '../../model/index.js';
import { CliError } from '../failure.js';
import { type NodeOptions, nodeOptions, nodesOf } from './nodeOptions.js';

export interface FactsOptions extends NodeOptions {
  readonly car?: string;
  readonly genesis?: string;
}

/** The options of every command that takes a model out of a chain: a node, or an export that is replayed. */
export function factsOptions(command: Command): Command {
  return nodeOptions(command)
    .option('--car <file>', 'an exported chain, which is replayed, instead of a node')
    .option('--genesis <file>', 'the genesis of --car');
}

/** What the chain says of a task's newest model. Throws CliError "usage"; RpcError, ModelError, ExportError. */
export async function factsOf(options: FactsOptions, task: number): Promise<ModelFacts> {
  const { car, genesis, network, node } = options;
  if (car === undefined && network === undefined && node === undefined)
    throw new CliError(
      'usage',
      'from where? Give --network FOLDER, --node URL, or --car FILE with --genesis FILE',
    );
  if (car === undefined) return nodesOf(options).use((client) => factsFromNode(client, task));
  if (genesis === undefined || network !== undefined || node !== undefined)
    throw new CliError('usage', 'from where? --car FILE needs --genesis FILE, and no node');
  return factsFromExport(car, genesis, task);
}
