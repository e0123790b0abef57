import { type Command, InvalidArgumentError } from 'commander';
import { utf8ToBytes } from '../../../crypto/index.js';
import {
  type BootstrapOptions,
  decodeWeights,
  evaluationReport,
  type Group,
  type GroupReport,
  groupRows,
  logitsOf,
  type MeasureName,
  parameterCount,
  parseNumber,
  REPLICATES_MAX,
  wholeFaults,
} from '../../../fl/index.js';
import { type ReadRows, readRows } from '../../data/index.js';
import { type ModelFacts, mustTellTwoApart, weightsOf } from '../../model/index.js';
import { share, wholeNumber } from '../args.js';
import { CliError } from '../failure.js';
import { formatColumns, type Io } from '../io.js';
import { type FactsOptions, factsOf, factsOptions } from './modelOptions.js';
import { readBytes } from './readBytes.js';

const EXAMPLES = `
Examples:
  consilium model evaluate 1 --data test.csv --network ./net
  consilium model evaluate 1 --data test.csv --network ./net --by site --by sex --by age:40,65
  consilium model evaluate 1 --data test.csv --network ./net --weights personal-1.f32    a personal model

The rows stay on this machine; of a node only the task and its model are asked.`;

/** Rows of one report. */
const ROWS_MAX = 200_000;

interface By {
  readonly column: string;
  readonly cuts: readonly number[];
}

interface Options extends FactsOptions {
  readonly data: string;
  readonly labels?: string;
  readonly weights?: string;
  readonly by: readonly By[];
  readonly specificity: number;
  readonly replicates: number;
  readonly seed: string;
  readonly json?: boolean;
}

/** `consilium model evaluate`. */
export function addEvaluate(model: Command, io: Io): void {
  factsOptions(model.command('evaluate'))
    .argument('<task>', 'its number', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .description('what clinicians ask of a model, on rows of your own, with bootstrap intervals')
    .requiredOption('--data <file>', 'labelled rows that the model was not trained on')
    .option('--labels <file>', 'the labels of an IDX file')
    .option('--weights <file>', 'other weights of the same model, such as a personal one')
    .option(
      '--by <column[:cuts]>',
      'also by group: its values, or ranges of a number; may be given again',
      by,
      [],
    )
    .option('--specificity <share>', 'at which to tell the sensitivity', share, 0.9)
    .option('--replicates <n>', 'of the bootstrap', wholeNumber(1, REPLICATES_MAX), 1_000)
    .option('--seed <text>', 'of the bootstrap', '1')
    .addHelpText('after', EXAMPLES)
    .action((task: number, _, self: Command) => evaluateModel(task, self.optsWithGlobals(), io));
}

function by(text: string, before: readonly By[]): readonly By[] {
  const [column = '', ...rest] = text.split(':');
  const cuts = rest.length === 0 ? [] : rest.join(':').split(',').map(parseNumber);
  const isRising = cuts.every((cut, index) => cut !== null && (index === 0 || cut > cuts[index - 1]!));
  if (column === '' || !isRising)
    throw new InvalidArgumentError('It must be a column, or COLUMN:CUT,CUT,... with rising numbers.');
  return [...before, { column, cuts: cuts as number[] }];
}

async function evaluateModel(task: number, options: Options, io: Io): Promise<void> {
  const facts = await factsOf(options, task);
  mustTellTwoApart(facts);
  const { schema, model } = facts.spec;
  const rows = await readRows(
    { file: options.data, labels: options.labels ?? null, schema },
    { rowsMax: ROWS_MAX, batchRows: 1, allow: wholeFaults, keep: options.by.map(({ column }) => column) },
  );
  const weights = options.weights === undefined ? weightsOf(facts) : otherWeights(options.weights, facts);
  const bootstrap: BootstrapOptions = {
    replicates: options.replicates,
    coverage: 0.95,
    specificity: options.specificity,
    seed: utf8ToBytes(options.seed),
    persons: rows.subjects,
  };
  const report = evaluationReport({
    logits: logitsOf(model, weights, rows.x),
    labels: rows.y,
    groups: groupsOf(rows, options.by),
    options: bootstrap,
  });
  const persons = rows.subjects === null ? null : new Set(rows.subjects).size;
  const about = { task, model: options.weights ?? facts.model.id, specificity: options.specificity, persons };
  if (options.json) io.out(JSON.stringify({ ...about, replicates: options.replicates, report }));
  else io.out(formatReport(report, options.specificity, persons));
}

function otherWeights(file: string, { spec }: ModelFacts): Float32Array {
  const count = parameterCount(spec.model);
  const weights = decodeWeights(readBytes(file, 4 * count), count);
  if (weights === null) throw new CliError('bad-data', `${file} does not hold ${count} finite weights`);
  return weights;
}

function groupsOf(
  rows: ReadRows,
  asked: readonly By[],
): readonly { readonly by: string; readonly groups: readonly Group[] }[] {
  return asked.map(({ column, cuts }, index) => {
    const found = groupRows(
      rows.kept.map((cells) => cells[index]!),
      cuts,
    );
    if (!found.ok) throw new CliError('usage', `--by ${column}: ${found.text}`);
    return { by: column, groups: found.groups };
  });
}

export const titles: Readonly<Record<MeasureName, string>> = {
  auroc: 'AUROC',
  auprc: 'AUPRC (average precision)',
  brier: 'Brier score',
  accuracy: 'accuracy at 1/2',
  sensitivity: 'sensitivity',
  slope: 'calibration slope',
  intercept: 'calibration intercept',
  inTheLarge: 'calibration in the large',
};

/** The report for people: one block a group. Pure. */
export function formatReport(
  report: readonly GroupReport[],
  specificity: number,
  persons: number | null,
): string {
  const drawn = persons === null ? 'rows' : `${persons} persons`;
  const blocks = report.map(({ by: column, name, rows, positives, measures, intervals, uncalibrated }) => {
    const head = `${column === null ? 'All' : `${column} = ${name}`}: ${rows} rows, ${positives} positive`;
    const lines = Object.entries(titles).map(([key, title]) => {
      const [value, interval] = [measures[key as MeasureName], intervals[key as MeasureName]];
      const of = key === 'sensitivity' ? `${title} at specificity ${specificity}` : title;
      const range = interval === null ? '' : `${decimal(interval.low)} to ${decimal(interval.high)}`;
      return [`  ${of}`, value === null ? 'none' : decimal(value), range];
    });
    const why = uncalibrated === null ? [] : [`  no calibration: ${reasons[uncalibrated]}`];
    return [head, formatColumns(lines), ...why].join('\n');
  });
  return `${blocks.join('\n\n')}\n\nRanges: 95 % bootstrap percentile intervals, ${drawn} drawn. Of few rows they are too narrow.`;
}

const reasons = {
  'one-class': 'every row has the same label',
  separated: 'the score separates the classes, so that no finite slope fits best',
  'not-converged': 'the fit did not converge',
} as const;

function decimal(value: number): string {
  return value.toFixed(3);
}
