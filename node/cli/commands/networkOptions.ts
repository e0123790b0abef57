import type { Command } from 'commander';
import { DEVICES_MAX, VALIDATORS_MAX } from '../../provision/index.js';
import { partition, wholeNumber } from '../args.js';

/** The options of every command that provisions a local network. */
export function networkOptions(command: Command): Command {
  return command
    .option('--validators <n>', 'hospitals, one validator each', wholeNumber(1, VALIDATORS_MAX), 4)
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
