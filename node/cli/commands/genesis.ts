import type { Command } from 'commander';
import { type CommitteeRisk, committeeRisk, dishonestOf } from '../../../genesis/index.js';
import { digestOf } from '../../founding/index.js';
import { readGenesis } from '../../provision/index.js';
import { CliError } from '../failure.js';
import { formatColumns, type Io } from '../io.js';
import { type CommitteeOptions, committeeOptions, riskRows, UNSAFE_HINT } from './committeeOptions.js';
import { addCreate } from './genesisCreate.js';

const EXAMPLES = `
Examples:
  consilium genesis create ./founding --name diabetes-study north.json east.json south.json west.json
  consilium genesis check genesis.json                    who may be drawn, and what that risks
  consilium genesis check genesis.json --dishonest 5 --offline 3 --heights 10000000`;

/** `consilium genesis create|check`. */
export function addGenesis(genesis: Command, io: Io): void {
  genesis.addHelpText('after', EXAMPLES);
  addCreate(genesis, io);
  genesis
    .command('digest')
    .argument('<file>', 'a genesis.json')
    .description('the chain id: what hospitals tell each other on another way than the file goes')
    .action((file: string, _, self: Command) => {
      const digest = digestOf(readGenesis(file));
      io.out(self.optsWithGlobals().json === true ? JSON.stringify({ digest }) : digest);
    });
  committeeOptions(genesis.command('check').argument('<file>', 'a genesis.json'))
    .description('read it, and compute how likely a bad committee is')
    .addHelpText('after', EXAMPLES)
    .action((file: string, options: CommitteeOptions, self: Command) => {
      check(file, options, self.optsWithGlobals().json === true, io);
    });
}

function check(file: string, options: CommitteeOptions, json: boolean, io: Io): void {
  const parsed = readGenesis(file);
  const { offline } = options;
  const { capture } = parsed.params;
  const heights = options.heights ?? capture.heights;
  const dishonest = options.dishonest ?? dishonestOf(parsed);
  let risk: CommitteeRisk;
  try {
    risk = committeeRisk(parsed, { dishonest, offline, heights });
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
