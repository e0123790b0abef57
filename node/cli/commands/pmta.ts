import { createHash } from 'node:crypto';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { bytesToHex } from '../../../crypto/index.js';
import { type DataSchema, encodedWidth, readSchema } from '../../../fl/index.js';
import { checkSyntheticRecords, longestRow } from '../../../pmta/index.js';
import { readJsonText } from '../../config.js';
import { hashFiles } from '../../data/index.js';
import {
  type Area,
  ASSIGN_SHARE,
  areaResult,
  charge,
  type PipelineOptions,
  type PmtaResult,
  readAreas,
  readResult,
  relevelled,
  runSteps,
  writeResult,
} from '../../pmta/index.js';
import { epsilon, wholeNumber } from '../args.js';
import { CliError } from '../failure.js';
import type { Io } from '../io.js';
import { checkOut, writingTo } from '../outFile.js';
import { type SignerOptions, validatorOptions } from '../signer.js';
import { type Leaks, noteOthers, readLeaks, reportsFor } from './pmtaLeaks.js';
import { sendLevels, whatIsLeft } from './pmtaLevels.js';
import { addReports } from './pmtaReports.js';
import { formatResult, toldOf } from './pmtaResult.js';
import { addRows } from './pmtaRows.js';

const EXAMPLES = `
Examples:
  consilium pmta run patients.csv --schema schema.json --clusters 3 --shares 1,1,1 --epsilon 8 --delta 1e-5 --out levels.json
  consilium pmta run wards.csv --schema schema.json --area-column ward --provider device --clusters 2 --shares 1,2 --public --out levels.json
  consilium pmta run patients.csv ... --out levels.json --network ./net --as hospital-1     and set them on chain
  consilium pmta run patients.csv ... --out levels.json --node http://127.0.0.1:4001 --keystore keys.json
  consilium pmta run patients.csv ... --out levels.json --reports reports.json               by what was reported
  consilium pmta run patients.csv ... --reports reports.json --q-network model.safetensors --out levels.json

Levels are computed for all areas before the first is written. The same command again takes them from --out, adds no noise
and costs no budget, and sends what the chain does not have yet. Accounts are found by the providers' names among those
of the signer's hospital. Keep --out: it also says what is spent.`;

const ATTRIBUTES = ['noised', 'synthetic'] as const;

interface Options extends SignerOptions {
  readonly schema: string;
  readonly areaColumn?: string;
  readonly provider?: string;
  readonly area?: readonly string[];
  readonly clusters: number;
  readonly shares: readonly number[];
  readonly neighbours: number;
  readonly balance: number;
  readonly clip?: number;
  readonly attributes: (typeof ATTRIBUTES)[number];
  readonly assignEpsilon?: number | 'none';
  readonly epsilon?: number | 'none';
  readonly delta?: number;
  readonly budget?: number | 'none';
  readonly public?: boolean;
  readonly reports?: string;
  readonly qNetwork?: string;
  readonly seed: string;
  readonly out: string;
}

/** `consilium pmta run|reports|rows`. */
export function addPmta(pmta: Command, io: Io): void {
  pmta.addHelpText('after', EXAMPLES);
  validatorOptions(
    pmta.command('run').argument('<data.csv>', 'rows of providers, with a column that says their area'),
  )
    .description('levels of the providers of each area, and on request their way to the chain')
    .requiredOption('--schema <file.json>', 'what the columns mean, with public bounds')
    .option('--area-column <name>', 'the column with the area (default: the schema’s site column)')
    .option(
      '--provider <column>',
      'the column that names the provider (default: the schema’s subject, else AREA-1, ...)',
    )
    .option('--area <names...>', 'only these areas')
    .requiredOption('--clusters <k>', 'clusters of each area', wholeNumber(1, 255))
    .requiredOption('--shares <n,n,...>', 'how many of a cluster level 1, 2, ... take, in proportion', shares)
    .addOption(
      new Option(
        '--attributes <kind>',
        'what stands in for them: themselves with noise, or records that a generator makes of all',
      )
        .choices(ATTRIBUTES)
        .default('noised'),
    )
    .option('--epsilon <ε>', 'at most so much of a provider’s attributes leaks', epsilon)
    .option(
      '--assign-epsilon <ε>',
      'of --epsilon, with synthetic records: for the level that a provider gets by lot (default: half)',
      epsilon,
    )
    .option('--delta <δ>', 'with --epsilon', positive(1))
    .option('--budget <ε>', 'what all noised releases of this data may cost (default: --epsilon)', epsilon)
    .option('--public', 'the attributes are no secret: take them as they are')
    .option(
      '--clip <length>',
      'longest row, in schema scales (default: the root of the number of inputs)',
      positive(1e9),
    )
    .option('--neighbours <n>', 'links of each provider to its nearest', wholeNumber(1, 1_000), 10)
    .option('--balance <times>', 'no cluster exceeds so many times the mean size', positive(1e9), 1.5)
    .option(
      '--reports <file.json>',
      'levels from leak reports, by a Q-network, instead of from the influence (pmta reports)',
    )
    .option(
      '--q-network <file.safetensors>',
      'with --reports: by this one, which a task has trained, instead of each area’s own (pmta rows)',
    )
    .option('--seed <text>', 'of what is drawn for clusters and Q-network; never of the noise', 'consilium')
    .requiredOption('--out <file.json>', 'where the levels go, and where an interrupted run goes on')
    .addHelpText('after', EXAMPLES)
    .action((file: string, _, self: Command) => run(file, self.optsWithGlobals(), io));
  addReports(pmta, io);
  addRows(pmta, io);
}

function shares(text: string): readonly number[] {
  const found = text.split(',').map(Number);
  const isFit =
    /^[\d.,]+$/.test(text) && found.every((share) => share >= 0) && found.some((share) => share > 0);
  if (isFit && found.length <= 255) return found;
  throw new InvalidArgumentError('It must be numbers such as 1,1,2: one a level, not all 0.');
}

const positive =
  (max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (text !== '' && value > 0 && value <= max) return value;
    throw new InvalidArgumentError(`It must be a number above 0 and at most ${max}.`);
  };

async function run(file: string, options: Options, io: Io): Promise<void> {
  const schema = schemaOf(options);
  const pipeline = pipelineOf(options, schema);
  checkOut(options.out);
  const dataset = bytesToHex(await hashFiles([], [file]));
  const key = keyOf(dataset, pipeline, schema, options);
  const before = readResult(options.out);
  if (before !== null && before.dataset !== dataset)
    throw new CliError('bad-data', `${options.out} is of other data: give --out another file for ${file}`);
  const leaks = readLeaks(options);
  const result =
    before !== null && before.key === key
      ? await keep(before, leaks, pipeline, options, io)
      : await compute(file, schema, pipeline, { dataset, key, before, leaks }, options, io);
  const { node, network } = options;
  const isSent = node !== undefined || network !== undefined;
  const written = isSent ? await sendLevels(result, options, io) : null;
  io.out(
    options.json
      ? JSON.stringify(toldOf(result, options.out, written))
      : formatResult(result, options.out, written),
  );
  const unfinished = written === null ? null : whatIsLeft(written);
  if (unfinished !== null) throw unfinished;
}

function schemaOf({ schema: file, areaColumn }: Options): DataSchema & { readonly site: string } {
  const read = readSchema(readJsonText(file));
  if (!read.ok) throw new CliError('bad-data', `${file}: ${read.reason}`);
  const site = areaColumn ?? read.schema.site;
  if (site !== null) return { ...read.schema, site };
  throw new CliError('usage', `which column is the area? ${file} names no site: give --area-column NAME`);
}

function pipelineOf(options: Options, schema: DataSchema): PipelineOptions {
  const { clusters, shares: levels, neighbours, balance, seed } = options;
  if (balance < 1) throw new CliError('usage', '--balance is 1 or more: clusters have to hold everybody');
  const { epsilon: own, delta } = options;
  const isPublic = options.public === true;
  if (isPublic && options.attributes === 'synthetic')
    throw new CliError(
      'usage',
      '--public takes attributes as they are: leave --attributes out, or leave it out',
    );
  if (options.attributes === 'synthetic' && options.reports !== undefined)
    throw new CliError(
      'usage',
      '--reports needs the providers’ clusters, and synthetic records tell none: take --attributes noised',
    );
  if (options.qNetwork !== undefined && options.reports === undefined)
    throw new CliError('usage', '--q-network makes levels of leak reports: give --reports, too');
  if (options.attributes === 'noised' && options.assignEpsilon !== undefined)
    throw new CliError('usage', '--assign-epsilon is of --attributes synthetic');
  if (isPublic && (own !== undefined || delta !== undefined))
    throw new CliError('usage', '--public adds no noise: leave --epsilon and --delta out, or leave it out');
  const common = { clusters, shares: levels, neighbours, balance, seed };
  if (isPublic) return { ...common, privacy: null };
  if (typeof own !== 'number' || delta === undefined || delta >= 1)
    throw new CliError(
      'usage',
      'how private? Give --epsilon and --delta (below 1), or --public if nothing is secret',
    );
  const epsilonMicro = Math.round(own * 1e6);
  const deltaPico = Math.max(1, Math.round(delta * 1e12));
  if (options.attributes === 'synthetic')
    return { ...common, privacy: syntheticOf(options, schema, epsilonMicro, deltaPico) };
  const clip = Math.min(options.clip ?? Math.sqrt(encodedWidth(schema)), longestRow(schema));
  return { ...common, privacy: { kind: 'noised', epsilonMicro, deltaPico, clip } };
}

function syntheticOf(
  { clip, assignEpsilon }: Options,
  schema: DataSchema,
  allMicro: number,
  deltaPico: number,
): NonNullable<PipelineOptions['privacy']> {
  if (clip !== undefined)
    throw new CliError('usage', '--clip is of noised attributes: synthetic records have their own');
  const share = typeof assignEpsilon === 'number' ? assignEpsilon * 1e6 : ASSIGN_SHARE * allMicro;
  const assignMicro = Math.round(share);
  const epsilonMicro = allMicro - assignMicro;
  // Some thousandths are the least that a generator can be calibrated to.
  if (assignMicro < 1 || epsilonMicro < 10_000)
    throw new CliError('usage', 'what is left of --epsilon for the records is too little: give more of it');
  return { kind: 'synthetic', epsilonMicro, assignMicro, deltaPico, schema };
}

const keyOf = (
  dataset: string,
  pipeline: PipelineOptions,
  schema: DataSchema,
  { provider, area }: Options,
): string =>
  createHash('sha256')
    .update(JSON.stringify({ dataset, pipeline, schema, provider: provider ?? null, area: area ?? null }))
    .digest('hex');

/** What is there already, with the levels of these reports: the influence and the clusters stay, and the budget. */
async function keep(
  kept: PmtaResult,
  leaks: Leaks | null,
  pipeline: PipelineOptions,
  { out }: Options,
  io: Io,
): Promise<PmtaResult> {
  const made = madeOf(leaks);
  if (kept.reports === made.reports && kept.qNetwork === made.qNetwork) {
    io.note(`${out} has these levels already: nothing is computed anew, nothing is charged`);
    return kept;
  }
  const other = kept.reports === made.reports ? 'another Q-network' : 'other reports';
  io.note(`${out} has these clusters already: levels come from ${other}, nothing is charged`);
  noteOthers(leaks, new Set(kept.areas.map(({ area }) => area)), io);
  const inputs = kept.areas.map((area) => {
    const providers = area.providers.map(({ name }) => name);
    return { area, reports: reportsFor({ name: area.area, providers }, leaks, pipeline.shares) };
  });
  const areas = inputs.map(({ area, reports }) => {
    io.note(`${area.area}: ${area.providers.length} providers, levels anew`);
    return relevelled(area, reports, pipeline);
  });
  const result = { ...kept, ...made, areas };
  await writingTo(out, writeResult(out, result));
  return result;
}

/** By which a result says what its levels come from. */
const madeOf = (leaks: Leaks | null): Pick<PmtaResult, 'reports' | 'qNetwork'> => ({
  reports: leaks?.reports.hash ?? null,
  qNetwork: leaks?.network?.hash ?? null,
});

interface Origin {
  readonly dataset: string;
  readonly key: string;
  readonly before: PmtaResult | null;
  readonly leaks: Leaks | null;
}

/** All areas, then one file: a run that fails on the way leaves what was there, and has spent nothing. */
async function compute(
  file: string,
  schema: DataSchema & { readonly site: string },
  pipeline: PipelineOptions,
  { dataset, key, before, leaks }: Origin,
  options: Options,
  io: Io,
): Promise<PmtaResult> {
  const all = await readAreas({ file, schema, provider: options.provider ?? null });
  const areas = chosen(all, options.area, file);
  if (options.provider === undefined && schema.subject === null)
    io.note('no column names the providers: they are AREA-1, AREA-2, ... by rows (--provider names one)');
  for (const { name, providers } of areas)
    if (providers.length < Math.max(2, pipeline.clusters))
      throw new CliError(
        'bad-data',
        `area ${name} has ${providers.length} provider${providers.length === 1 ? '' : 's'}, too few for ${pipeline.clusters} clusters`,
        'ask for fewer clusters, or name the areas with --area',
      );
  mustBeMakeable(areas, pipeline);
  noteOthers(leaks, new Set(areas.map(({ name }) => name)), io);
  const inputs = areas.map((area) => ({ area, reports: reportsFor(area, leaks, pipeline.shares) }));
  // Before any noise is drawn: whoever may not spend it gets no levels.
  const spent = chargeOf(pipeline, before, options);
  const runs = inputs.map(({ area, reports }) =>
    runSteps(area, reports, pipeline, (step) =>
      io.note(`${area.name}: ${area.providers.length} providers, ${step}`),
    ),
  );
  const result: PmtaResult = {
    version: 1,
    dataset,
    spent,
    key,
    ...madeOf(leaks),
    areas: runs.map((each) => areaResult(each, pipeline)),
  };
  await writingTo(options.out, writeResult(options.out, result));
  return result;
}

function chosen(all: readonly Area[], names: readonly string[] | undefined, file: string): readonly Area[] {
  const unknown = names?.find((name) => !all.some((area) => area.name === name));
  if (unknown === undefined) return all.filter(({ name }) => names?.includes(name) ?? true);
  const known = all.map(({ name }) => name).slice(0, 20);
  throw new CliError('bad-data', `${file} has no area ${unknown}: it has ${known.join(', ')}`);
}

/** Throws CliError "bad-data" for an area of which no records can be made. */
function mustBeMakeable(areas: readonly Area[], { privacy }: PipelineOptions): void {
  if (privacy?.kind !== 'synthetic') return;
  for (const { name, points } of areas) {
    const problem = checkSyntheticRecords(points, privacy);
    if (problem !== null) throw new CliError('bad-data', `area ${name}: ${problem}`);
  }
}

/** What the data's releases come to with this one. Throws CliError "refused" over the budget. */
function chargeOf(
  { privacy }: PipelineOptions,
  before: PmtaResult | null,
  { budget, epsilon: own, out }: Options,
): PmtaResult['spent'] {
  const most = typeof budget === 'number' ? budget : Number(own ?? 0);
  const charged = charge(before?.spent ?? null, privacy, Math.round(most * 1e6));
  if (charged.ok) return charged.spent;
  const { reason, earlier } = charged;
  if (reason === 'other-delta')
    throw new CliError('refused', `${out} counts at δ = ${earlier!.deltaPico / 1e12}: give the same --delta`);
  throw new CliError(
    'refused',
    `another noised release of this data is over its budget: ${earlier?.releases ?? 0} were made (${out})`,
    'use the levels that are there, or allow more with --budget',
  );
}
