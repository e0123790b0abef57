import { type Command, Option } from 'commander';
import {
  type DataSchema,
  type DataSummary,
  encodedWidth,
  type Finding,
  readSchema,
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
  const schema = await schemaOf(options);
  const where = { file, labels: options.labels ?? null, schema };
  const summary = await summarise(where, { batchRows: options.batch, allow: options.allow });
  if (options.json) io.out(JSON.stringify(summary));
  else io.out(formatSummary(summary, schema));
  if (!summary.fits) throw new CliError('check-failed', `${file} does not fit`);
}

async function schemaOf(options: Options): Promise<DataSchema> {
  const { schema: file, task } = options;
  if ((file === undefined) === (task === undefined))
    throw new CliError('usage', 'which schema? Give either --schema FILE or --task N');
  if (task !== undefined) {
    const { spec } = await nodesOf(options).use((client) => client.call('task.get', { task }));
    return spec.schema;
  }
  const read = readSchema(readJsonText(file!));
  if (!read.ok) throw new CliError('bad-data', `${file}: ${read.reason}`);
  return read.schema;
}

/** The summary for people. Pure. */
export function formatSummary(summary: DataSummary, schema: DataSchema): string {
  const { rows, classes, subjects, sites, features, findings } = summary;
  const share = (count: number, of: number): string =>
    `${count} (${of === 0 ? 0 : Math.round((1_000 * count) / of) / 10} %)`;
  const facts = [
    ['rows', `${rows}, each becomes ${encodedWidth(schema)} numbers`],
    ...classes.map((of) => [`${schema.label.name} = ${of.name}`, share(of.rows, rows)]),
    ...(subjects === null ? [] : [['persons', String(subjects)]]),
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

function formatFinding({ kind, column, count, lines, text, allowed }: Finding): string {
  const where = column === null ? '' : ` in ${column}`;
  const more = count > lines.length ? ', ...' : '';
  const at = lines.length === 0 ? '' : ` (lines ${lines.join(', ')}${more})`;
  return `  ${allowed ? 'let pass: ' : ''}${kind}${where}, ${count} time${count === 1 ? '' : 's'}${at}\n    ${text}`;
}
