import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { bytesToHex } from '../../../crypto/index.js';
import { schemaJson } from '../../../fl/index.js';
import { seedFor } from '../../provision/index.js';
import { loadData, sourceFiles } from '../demo/loadData.js';
import { CliError } from '../failure.js';
import type { Io } from '../io.js';
import { programName } from '../programName.js';
import { studyFiles } from '../study/files.js';
import { networkOptions } from './networkOptions.js';

const EXAMPLES = `
Examples:
  consilium new my-study                                  with the Pima diabetes data, to begin with
  consilium new my-study --data rows.csv --label outcome  with a table of your own
  consilium run my-study                                  then: train it`;

interface NewOptions {
  readonly validators: number;
  readonly devices: number;
  readonly data?: string;
  readonly label?: string;
  readonly schema?: string;
  readonly partition: string;
  readonly seed: string;
  readonly json?: boolean;
}

/** `consilium new`: a folder with all that a training study is made of. */
export function addNew(command: Command, io: Io): void {
  networkOptions(command.argument('<folder>', 'the study; new or empty'))
    .addHelpText('after', EXAMPLES)
    .action((folder: string, _, self: Command) => makeStudy(folder, self.optsWithGlobals(), io));
}

function makeStudy(folder: string, options: NewOptions, io: Io): void {
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new CliError('bad-folder', `${folder} is not empty`, 'choose another folder');
  const source = {
    ...options,
    data: options.data ?? null,
    label: options.label ?? null,
    schema: options.schema ?? null,
  };
  const data = loadData(source);
  const files = studyFiles({
    ...options,
    name: basename(resolve(folder)),
    data,
    derived: data.derived,
    weightsSeed: bytesToHex(seedFor('weights', options.seed)),
  });
  const { csvFile, schemaFile } = sourceFiles(source);
  mkdirSync(folder, { recursive: true });
  copyFileSync(csvFile, join(folder, 'data.csv'));
  // As its owner wrote it, with sources and remarks, where there is one.
  if (schemaFile !== null) copyFileSync(schemaFile, join(folder, 'schema.json'));
  else writeFileSync(join(folder, 'schema.json'), `${JSON.stringify(schemaJson(data.schema), null, 2)}\n`);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const names = readdirSync(folder).sort();
  if (options.json === true) {
    io.out(JSON.stringify({ folder, files: names }));
    return;
  }
  const warning = data.derived
    ? '\nIts schema was computed from the rows: right for public data only (README.md).\n'
    : '';
  io.out(`${folder} has ${names.join(', ')}.\n${warning}\nNext:\n  ${programName()} run ${folder}`);
}
