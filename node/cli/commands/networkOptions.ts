import type { Command } from 'commander';
import { DEVICES_MAX, type ProvisionedAttack, VALIDATORS_MAX } from '../../provision/index.js';
import { attack, partition, share, wholeNumber } from '../args.js';
import { CliError } from '../failure.js';

/** The options of every command that provisions a local network. */
export function networkOptions(command: Command): Command {
  return command
    .option('-n, --validators <n>', 'hospitals, one validator each', wholeNumber(1, VALIDATORS_MAX), 4)
    .option('--devices <n>', 'devices of each hospital', wholeNumber(1, DEVICES_MAX), 5)
    .option('--data <file.csv>', 'a table with a column of two classes (default: Pima diabetes)')
    .option('--label <column>', 'the column to predict')
    .option('--schema <file.json>', 'public centre, scale and bounds of each column')
    .option(
      '--partition <name>',
      'how rows are dealt to devices: iid, site or dirichlet:ALPHA',
      partition,
      'iid',
    )
    .option('--seed <text>', 'decides the split of the data and who is poisoned', '1');
}

/** The options of commands that can provision a network with attackers in it. */
export function attackOptions(command: Command): Command {
  return command
    .option('--attack <name:share[:round]>', 'an attack by a share of the devices, from a round on', attack)
    .option('--poison <share>', 'the same as --attack label-flip:SHARE', share, 0);
}

/** Throws CliError "usage" if both options are given. */
export function attackOf(raw: {
  readonly attack?: ProvisionedAttack;
  readonly poison: number;
}): ProvisionedAttack | null {
  if (raw.poison === 0) return raw.attack ?? null;
  if (raw.attack !== undefined)
    throw new CliError(
      'usage',
      '--poison and --attack: one of them',
      '--poison is --attack label-flip:SHARE',
    );
  return { name: 'label-flip', share: raw.poison, fromRound: 1 };
}
