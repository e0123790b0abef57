import { type Command, Option } from 'commander';
import {
  type DataSchema,
  type DataSummary,
  encodedWidth,
  type Finding,
  readSchema,
  type Unit,
  type WholeFault,
  wholeFaults,
} from '../../../fl/index.js';
import { readJsonText } from '../../config.js';
import { summarise } from '../../data/index.js';
import { wholeNumber } from '../args.js';
import { CliError } from '../failure.js';
import { formatColumns, type Io } from '../io.js';
import { type NodeOptions, nodeOptions, nodesOf } from './nodeOptions.js';

const EXAMPLES = `
Examples:
  consilium data check patients.csv --schema schema.json          against a schema file
  consilium data check patients.csv --task 1 --network ./net      against the schema of a published task
  consilium data check images.idx.gz --labels labels.idx.gz --schema schema.json

Nothing leaves this machine: of a node only the task's schema is asked. What is printed are counts of your own data.`;

interface Options extends NodeOptions {
  readonly schema?: string;
  readonly task?: number;
  readonly labels?: string;
  readonly batch: number;
  readonly allow: readonly WholeFault[];
  readonly json?: boolean;
}

/** `consilium data check`. */
export function addData(data: Command, io: Io): void {
  data.addHelpText('after', EXAMPLES);
  const allow = new Option('--allow <faults...>', 'let these pass, and say so')
    .choices(wholeFaults)
    .default([]);
  nodeOptions(data.command('check').argument('<file>', 'CSV, or IDX with --labels; .gz is unpacked'))
    .description('what of a file fits a schema and what does not, and why; any size, nothing is sent')
    .option('--schema <file.json>', 'the schema')
    .option('--task <n>', 'the schema of this task of the chain', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option('--labels <file>', 'the labels of an IDX file')
    .option('--batch <rows>', 'rows that training takes at once', wholeNumber(1, 1_000_000), 2)
    .addOption(allow)
    .addHelpText('after', EXAMPLES)
    .action((file: string, _, self: Command) => check(file, self.optsWithGlobals(), io));
}

async function check(file: string, options: Options, io: Io): Promise<void> {
  const { schema, unit } = await askedOf(options);
  const where = { file, labels: options.labels ?? null, schema };
  const summary = await summarise(where, { batchRows: options.batch, allow: options.allow });
  if (options.json) io.out(JSON.stringify(summary));
  else io.out(formatSummary(summary, schema, unit));
  if (!summary.fits) throw new CliError('check-failed', `${file} does not fit`);
}

/** The schema, and the task's unit if there is a task. */
async function askedOf(
  options: Options,
): Promise<{ readonly schema: DataSchema; readonly unit: Unit | null }> {
  const { schema: file, task } = options;
  if ((file === undefined) === (task === undefined))
    throw new CliError('usage', 'which schema? Give either --schema FILE or --task N');
  if (task !== undefined) {
    const { spec } = await nodesOf(options).use((client) => client.call('task.get', { task }));
    return { schema: spec.schema, unit: spec.privacy.unit };
  }
  const read = readSchema(readJsonText(file!));
  if (!read.ok) throw new CliError('bad-data', `${file}: ${read.reason}`);
  return { schema: read.schema, unit: null };
}

/** The summary for people; `unit` of a task: with how many units a device with this file would enrol. Pure. */
export function formatSummary(summary: DataSummary, schema: DataSchema, unit: Unit | null = null): string {
  const { rows, classes, subjects, sites, features, findings } = summary;
  const share = (count: number, of: number): string =>
    `${count} (${of === 0 ? 0 : Math.round((1_000 * count) / of) / 10} %)`;
  const facts = [
    ['rows', `${rows}, each becomes ${encodedWidth(schema)} numbers`],
    ...classes.map((of) => [`${schema.label.name} = ${of.name}`, share(of.rows, rows)]),
    ...(subjects === null ? [] : [['persons', String(subjects)]]),
    ...(unit === null ? [] : [[`units (${unit})`, unitsText(unit, rows, subjects)]]),
    ...(sites ?? []).map((site) => [`site ${site.name}`, share(site.rows, rows)]),
  ];
  const cells = features.flatMap(({ name, missing, clipped }, index) => {
    const of = rows * schema.features[index]!.count;
    return missing === 0 && clipped === 0 ? [] : [[`  ${name}`, share(missing, of), share(clipped, of)]];
  });
  const odd = cells.length === 0 ? [] : ['', formatColumns([['  column', 'missing', 'clipped'], ...cells])];
  const told = findings.map(formatFinding);
  const verdict = summary.fits ? 'It fits.' : 'It does not fit:';
  return [formatColumns(facts), ...odd, '', verdict, ...told].join('\n');
}

function unitsText(unit: Unit, rows: number, persons: number | null): string {
  if (unit === 'device') return '1: all of it is protected as one';
  if (unit === 'patient') return persons === null ? 'none: nobody knows whose a row is' : String(persons);
  const more = persons !== null && persons < rows;
  return more ? `${rows}: each row is protected, not a person with several` : String(rows);
}

function formatFinding({ kind, column, count, lines, text, allowed }: Finding): string {
  const where = column === null ? '' : ` in ${column}`;
  const more = count > lines.length ? ', ...' : '';
  const at = lines.length === 0 ? '' : ` (lines ${lines.join(', ')}${more})`;
  return `  ${allowed ? 'let pass: ' : ''}${kind}${where}, ${count} time${count === 1 ? '' : 's'}${at}\n    ${text}`;
}
