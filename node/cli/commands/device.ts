import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { UNITS_MAX } from '../../../contracts/index.js';
import { bytesToHex, sha256, utf8ToBytes } from '../../../crypto/index.js';
import {
  encodeWeights,
  fitSiteHead,
  fitSiteIntercept,
  logitsOf,
  type Measured,
  measure,
  type Personalised,
  readSchema,
  schemaHash,
  scoredRows,
  splitRows,
  wholeFaults,
} from '../../../fl/index.js';
import { readDeviceConfig, readJsonText } from '../../config.js';
import { type ReadRows, readRows } from '../../data/index.js';
import { type ModelFacts, mustTellTwoApart, weightsOf } from '../../model/index.js';
import { wholeNumber } from '../args.js';
import { CliError } from '../failure.js';
import { formatColumns, type Io } from '../io.js';
import { accountExamples, addAccountCommands } from './accounts.js';
import { type FactsOptions, factsOf, factsOptions } from './modelOptions.js';

const EXAMPLES = `
Examples:
  consilium device personalise ./net/nodes/hospital-1/devices/hospital-1-device-1 --task 1 --network ./net
  consilium device personalise ./device --task 1 --network ./net --method head --strength 5

${accountExamples('device')}

The personal model stays in the device's folder. It is fitted without noise: never send it anywhere.`;

const TRAIN_SHARE = 0.7;
const SPECIFICITY = 0.9;
const methods = ['intercept', 'head'] as const;

interface Options extends FactsOptions {
  readonly task: number;
  readonly method: (typeof methods)[number];
  readonly strength: number;
  readonly json?: boolean;
}

/** `consilium device personalise|admit|...`. */
export function addDevice(device: Command, io: Io): void {
  device.addHelpText('after', EXAMPLES);
  const method = new Option('--method <name>', 'its own intercept, or its own last layer')
    .choices(methods)
    .default('intercept');
  factsOptions(device.command('personalise').argument('<folder>', 'the device’s folder'))
    .description('fit a task’s newest model to this device’s own rows; nothing is sent')
    .requiredOption('--task <n>', 'its number', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .addOption(method)
    .option('--strength <s>', 'how hard a last layer is drawn to the shared one', strength, 1)
    .addHelpText('after', EXAMPLES)
    .action((folder: string, _, self: Command) => personalise(folder, self.optsWithGlobals(), io));
  addAccountCommands(device, 'device', io);
}

function strength(text: string): number {
  const value = Number(text);
  if (/^(\d+\.?\d*|\.\d+)$/.test(text) && value > 0 && value <= 1e9) return value;
  throw new InvalidArgumentError('It must be a number above 0.');
}

async function personalise(folder: string, options: Options, io: Io): Promise<void> {
  const facts = await factsOf(options, options.task);
  const rows = await ownRows(folder, facts);
  const held = holdOut(rows, facts, options);
  const fitted = fitTo(facts, rows.x, rows.y, options);
  const name = `personal-${options.task}`;
  writeFileSync(join(folder, `${name}.f32`), encodeWeights(fitted), { mode: 0o600 });
  const about = {
    task: options.task,
    from: facts.model.id,
    method: options.method,
    strength: options.strength,
  };
  const result = { ...about, rows: rows.rows, heldOut: held };
  writeFileSync(join(folder, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`, { mode: 0o600 });
  if (options.json) return io.out(JSON.stringify({ ...result, file: join(folder, `${name}.f32`) }));
  const line = (title: string, { measures }: Measured): string[] => {
    return [
      title,
      ...(['auroc', 'brier', 'inTheLarge'] as const).map((key) => measures[key]?.toFixed(3) ?? 'none'),
    ];
  };
  const compared = [
    ['', 'AUROC', 'Brier', 'in the large'],
    line('  shared model', held.shared),
    line('  personal model', held.personal),
  ];
  io.out(`On ${held.shared.rows} of ${rows.rows} rows that were held out for the comparison:`);
  io.out(formatColumns(compared));
  io.out(`Fitted on all rows: ${join(folder, `${name}.f32`)}. It stays here: it was fitted without noise.`);
}

/** The rows of a device, read as it reads them to train. */
async function ownRows(folder: string, facts: ModelFacts): Promise<ReadRows> {
  mustTellTwoApart(facts);
  const { spec } = facts;
  const config = readDeviceConfig(folder);
  const schema = readSchema(readJsonText(config.schema));
  if (!schema.ok) throw new CliError('bad-data', `${config.schema}: ${schema.reason}`);
  if (bytesToHex(schemaHash(schema.schema)) !== bytesToHex(schemaHash(spec.schema)))
    throw new CliError('bad-data', `${config.schema} is not the schema of the task`);
  const where = { file: config.data, labels: config.labels, schema: schema.schema };
  return readRows(where, {
    rowsMax: UNITS_MAX,
    batchRows: 10,
    allow: wholeFaults.filter((each) => each !== 'too-few-rows'),
  });
}

function fitTo(
  { spec, ...facts }: ModelFacts,
  x: Float32Array,
  y: Float32Array,
  options: Options,
): Float32Array {
  const shared = weightsOf({ spec, ...facts });
  const fitted: Personalised =
    options.method === 'intercept'
      ? fitSiteIntercept(spec.model, shared, x, y)
      : fitSiteHead(spec.model, shared, x, y, options.strength);
  if (fitted.ok) return fitted.weights;
  throw new CliError('check-failed', `there is no personal model of these rows: ${reasons[fitted.reason]}`);
}

const reasons = {
  'one-class': 'they all have the same label (--method head takes them)',
  'too-wide': 'the last layer has too many inputs (--method intercept takes it)',
  'not-converged': 'the fit did not converge (a greater --strength helps)',
} as const;

/** Fitted on 70 % of the rows, measured on the rest; the split follows from the model's id, so it repeats. */
function holdOut(
  rows: ReadRows,
  facts: ModelFacts,
  options: Options,
): { readonly shared: Measured; readonly personal: Measured } {
  const seed = sha256(utf8ToBytes(`consilium/hold-out/1 ${facts.model.id}`));
  const { train, test } = splitRows(rows.rows, Math.floor(TRAIN_SHARE * rows.rows), seed);
  const width = rows.x.length / rows.rows;
  const take = (chosen: readonly number[]) => ({
    x: Float32Array.from(chosen.flatMap((row) => [...rows.x.subarray(row * width, (row + 1) * width)])),
    y: Float32Array.from(chosen, (row) => rows.y[row]!),
  });
  const [fitting, held] = [take(train), take(test)];
  const personal = fitTo(facts, fitting.x, fitting.y, options);
  const measured = (weights: Float32Array): Measured =>
    measure(scoredRows(logitsOf(facts.spec.model, weights, held.x), held.y), SPECIFICITY);
  return { shared: measured(weightsOf(facts)), personal: measured(personal) };
}
