import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { readGenesis } from '../../provision/index.js';
import type { RepairReport } from '../../repair.js';
import type { Io } from '../io.js';
import { settingsIn } from './settingOptions.js';

const EXAMPLES = `
The node must not run. Every block that holds is kept; the node fetches the others from its peers when it runs
again, and does not vote where it may have voted before. The damaged folder stays beside the new one.

Examples:
  consilium chain repair ./net/nodes/hospital-1
  consilium chain repair ./net/nodes/hospital-1 --votes-lost   the folder was put back from an older copy`;

interface Options {
  readonly votesLost: boolean;
  readonly voteAfter?: number;
  readonly json?: boolean;
}

/** `consilium chain repair`. */
export function addRepair(chain: Command, io: Io): void {
  chain
    .command('repair')
    .argument('<folder>', 'a node’s folder, with its config.json')
    .description('repair the chain folder of a stopped node whose disk lost or altered something')
    .option('--votes-lost', 'do not trust its record of own votes either', false)
    .option('--vote-after <height>', 'you know that it never voted above this height', height)
    .addHelpText('after', EXAMPLES)
    .action(async (folder: string, _, self: Command) => {
      await repair(folder, self.optsWithGlobals(), io);
    });
}

async function repair(folder: string, { votesLost, voteAfter, json }: Options, io: Io): Promise<void> {
  const { config } = settingsIn(folder, io);
  const genesis = readGenesis(config.genesis);
  const { startChain } = await import('../../../genesis/index.js');
  const { repairChain } = await import('../../repair.js');
  const chain = startChain(genesis);
  const report = await repairChain({ chain, path: config.dataDir, votesLost, voteAfter: voteAfter ?? null });
  io.out(json ? JSON.stringify(report) : formatRepair(report));
}

/** The report for people. Pure. */
export function formatRepair({ outcome, fault, height, ended, abstention, aside }: RepairReport): string {
  const lines: string[] = [];
  if (outcome === 'whole') lines.push(`The chain is whole: nothing to repair. It ends at height ${height}.`);
  if (outcome === 'finished')
    lines.push(`A repair that was cut short is finished. The chain ends at height ${height}.`);
  if (outcome === 'repaired') lines.push(`Repaired. The chain ends at height ${height}.`);
  if (fault !== null) lines.push(`  found     ${fault}`);
  if (ended !== null) lines.push(`  dropped   height ${height + 1} and later: ${ended}`);
  if (aside !== null) lines.push(`  old one   ${aside}; remove it when the node runs well`);
  if (abstention !== null) {
    const until =
      abstention.through === null
        ? 'the others have told how far it may have voted'
        : `height ${abstention.through} is decided`;
    lines.push(`  votes     not before ${until}`);
  }
  return lines.join('\n');
}

function height(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a height.');
}
