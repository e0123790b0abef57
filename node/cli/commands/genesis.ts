import type { Command } from 'commander';
import { type CommitteeRisk, committeeRisk, dishonestOf, parseGenesis } from '../../../genesis/index.js';
import { readBounded } from '../../config.js';
import { CliError } from '../failure.js';
import { formatColumns, type Io } from '../io.js';
import { type CommitteeOptions, committeeOptions, riskRows, UNSAFE_HINT } from './committeeOptions.js';

const GENESIS_BYTES_MAX = 16 * 1024 * 1024;

const EXAMPLES = `
Examples:
  consilium genesis check genesis.json                    who may be drawn, and what that risks
  consilium genesis check genesis.json --dishonest 5 --offline 3 --heights 10000000`;

/** `consilium genesis check`: what the draw of committees risks under a genesis file. */
export function addGenesis(genesis: Command, io: Io): void {
  genesis.addHelpText('after', EXAMPLES);
  committeeOptions(genesis.command('check').argument('<file>', 'a genesis.json'))
    .description('read it, and compute how likely a bad committee is')
    .addHelpText('after', EXAMPLES)
    .action((file: string, options: CommitteeOptions, self: Command) => {
      check(file, options, self.optsWithGlobals().json === true, io);
    });
}

function check(file: string, options: CommitteeOptions, json: boolean, io: Io): void {
  const parsed = parseGenesis(readBounded(file, GENESIS_BYTES_MAX));
  if (!parsed.ok) throw new CliError('bad-genesis', `${file}: ${parsed.detail}`);
  const { offline } = options;
  const { capture } = parsed.genesis.params;
  const heights = options.heights ?? capture.heights;
  const dishonest = options.dishonest ?? dishonestOf(parsed.genesis);
  let risk: CommitteeRisk;
  try {
    risk = committeeRisk(parsed.genesis, { dishonest, offline, heights });
  } catch (error) {
    if (error instanceof RangeError) throw new CliError('usage', `more than there are: ${error.message}`);
    throw error;
  }
  if (json) io.out(JSON.stringify({ ...risk, dishonest, offline, heights }));
  else io.out(formatColumns(riskRows(risk, { dishonest, offline, heights })));
  if (!risk.isSafe && !options.allowUnsafeCommittee && !capture.allowUnsafe) {
    throw new CliError('check-failed', 'the committees of this genesis may be captured', UNSAFE_HINT);
  }
}
