import type { Command } from 'commander';
import { DEVICES_MAX } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { schemaHash } from '../../../fl/index.js';
import {
  type AreaResult,
  areaRows,
  isFree,
  type PmtaResult,
  readResult,
  rowsCsv,
  rowsFault,
  rowsLabel,
  rowsSchema,
  rowsSchemaJson,
  rowsTask,
  writeFolder,
} from '../../pmta/index.js';
import { seedFor } from '../../provision/index.js';
import { wholeNumber } from '../args.js';
import { CliError } from '../failure.js';
import { formatColumns, type Io } from '../io.js';
import { checkOut, writingTo } from '../outFile.js';
import { readLeaks, reportsFor } from './pmtaLeaks.js';

const EXAMPLES = `
Examples:
  consilium pmta rows levels.json --reports reports.json --area north --out ./rows-1
  consilium task publish ./rows-1/task.json --network ./net
  consilium model export 1 --format safetensors --to ./q-1 --network ./net
  consilium pmta rows levels.json --reports reports.json --area north --q-network ./q-1/model.safetensors --out ./rows-2

Every area makes its own rows, and its device takes them: "data" and "schema" of its device.json, in a folder of its own for
each task's rows. The schema and the task are the same in all areas. What a task ends with is --q-network of the next one's rows, and of "pmta run" in the end.`;

const AREAS = 5;

interface Options {
  readonly reports: string;
  readonly area: string;
  readonly qNetwork?: string;
  readonly areas: number;
  readonly seed: string;
  readonly out: string;
  readonly json?: boolean;
}

/** What the command says, to programs in these words. */
interface Told {
  readonly out: string;
  readonly area: string;
  readonly rows: number;
  /** Of them labelled 1. */
  readonly lost: number;
  readonly label: string;
  readonly schemaHash: string;
  /** The chain's id of the target network; null: there is none. */
  readonly target: string | null;
}

/** `consilium pmta rows`. */
export function addRows(pmta: Command, io: Io): void {
  pmta
    .command('rows')
    .argument('<levels.json>', 'what "pmta run" wrote: the area’s clusters, and how large its levels are')
    .description('an area’s leak reports as rows that its device trains a Q-network on, and the task')
    .requiredOption('--reports <file.json>', 'what was read and reported (pmta reports)')
    .requiredOption('--area <name>', 'whose rows')
    .option(
      '--q-network <file.safetensors>',
      'what the task before ended with, as "model export" writes it (default: this is the first task)',
    )
    .option('--areas <n>', 'that train together, one device each', wholeNumber(1, DEVICES_MAX), AREAS)
    .option('--seed <text>', 'of what is drawn for rows, labels and initial weights', 'consilium')
    .requiredOption('--out <folder>', 'where data.csv, schema.json and task.json go; new or empty')
    .addHelpText('after', EXAMPLES)
    .action((file: string, _, self: Command) => make(file, self.optsWithGlobals(), io));
}

async function make(file: string, options: Options, io: Io): Promise<void> {
  const { out, seed, areas } = options;
  checkOut(out);
  if (!isFree(out))
    throw new CliError(
      'bad-folder',
      `${out} is not empty: rows are never written over others`,
      'choose another folder',
    );
  const result = readResult(file);
  if (result === null)
    throw new CliError(
      'bad-data',
      `there is no ${file}`,
      '"consilium pmta run" writes one, with or without reports',
    );
  const area = areaOf(result, options.area, file);
  const leaks = readLeaks(options);
  const providers = area.providers.map(({ name }) => name);
  const { pieces } = reportsFor({ name: area.area, providers }, leaks, area.levels)!;
  const target = leaks!.network;
  const rows = areaRows(area, pieces, { target, seed });
  const label = rowsLabel(target);
  const schema = rowsSchema(label);
  const fault = rowsFault(rows, schema);
  if (fault !== null)
    throw new CliError(
      'bad-data',
      `a device would not train on the rows of area ${area.area}: ${fault}`,
      'more reports have more to say, and levels have to be two or more',
    );
  const files = {
    'data.csv': rowsCsv(rows, label),
    'schema.json': `${JSON.stringify(rowsSchemaJson(label), null, 2)}\n`,
    'task.json': rowsTask(target, areas, bytesToHex(seedFor('weights', seed))),
  };
  await writingTo(
    out,
    Promise.resolve().then(() => writeFolder(out, files)),
  );
  const told: Told = {
    out,
    area: area.area,
    rows: rows.y.length,
    lost: rows.y.reduce((sum, own) => sum + own, 0),
    label,
    schemaHash: bytesToHex(schemaHash(schema)),
    target: target?.model ?? null,
  };
  io.out(options.json ? JSON.stringify(told) : formatTold(told));
}

/** Throws CliError "bad-data" for an area that is not there, or of whose providers no clusters are known. */
function areaOf({ areas }: PmtaResult, name: string, file: string): AreaResult {
  const area = areas.find((each) => each.area === name);
  if (area === undefined) {
    const known = areas.map((each) => each.area).slice(0, 20);
    throw new CliError('bad-data', `${file} has no area ${name}: it has ${known.join(', ')}`);
  }
  if (area.synthetic === null) return area;
  throw new CliError(
    'bad-data',
    `${file} comes from synthetic records, which tell no provider’s cluster`,
    'make one with "consilium pmta run --attributes noised", or --public where attributes are no secret',
  );
}

function formatTold({ out, area, rows, lost, label, schemaHash: hash, target }: Told): string {
  const told = [
    ['area', area],
    ['rows', `${rows}, of which ${lost} are labelled 1`],
    ['label', `${label}, by ${target === null ? 'costs alone: this is the first task' : `model ${target}`}`],
    ['schema', `${hash}: in every area the same`],
  ];
  return [
    formatColumns(told),
    `Written to ${out}: data.csv and schema.json, which the area’s device takes (its device.json), and task.json,`,
    'which one of the areas publishes (consilium task publish).',
  ].join('\n');
}
