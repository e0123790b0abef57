import type { Command } from 'commander';
import { type ClaimArgs, TEST_ROWS_MAX } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { logitsOf, type Measured, measure, scoredRows, wholeFaults } from '../../../fl/index.js';
import { readRows } from '../../data/index.js';
import { factsFromNode, mustTellTwoApart, weightsOf } from '../../model/index.js';
import type { Client, ResultOf } from '../../rpc/index.js';
import { share, wholeNumber } from '../args.js';
import { commitCall } from '../commitCall.js';
import { CliError } from '../failure.js';
import { formatColumns, type Io } from '../io.js';
import { type SignerOptions, secretOf } from '../signer.js';
import { keyOptions } from './keyOptions.js';
import { type NodeOptions, nodeOptions, nodesOf } from './nodeOptions.js';
import { commitTestSet, readSalt } from './testSet.js';

const MICRO = 1_000_000;
/** exp and log may differ in the last digit between engines: rounded to millionths, by one. */
const APART_MAX = 1;
const taskNumber = wholeNumber(1, Number.MAX_SAFE_INTEGER);

interface Options extends NodeOptions, SignerOptions {
  readonly data: string;
  readonly labels?: string;
  readonly salt: string;
  readonly specificity: number;
  readonly json?: boolean;
}

type Plan = NonNullable<ResultOf<'evaluation.plan'>>;
type Claimed = NonNullable<Plan['claim']>['measures'];

/** `consilium evaluation claim|check`. */
export function addClaim(evaluation: Command, io: Io): void {
  keyOptions(testSetOptions(evaluation.command('claim')))
    .description('say, once and for good, what a finished model does on the test set that you committed to')
    .option('--specificity <share>', 'at which to tell the sensitivity', share, 0.9)
    .action((task: number, _, self: Command) => claim(task, self.optsWithGlobals(), io));
  testSetOptions(evaluation.command('check'))
    .description('check a claim: is this the test set, and does the model do on it what is claimed?')
    .action((task: number, _, self: Command) => check(task, self.optsWithGlobals(), io));
}

function testSetOptions(command: Command): Command {
  return nodeOptions(command.argument('<task>', 'its number', taskNumber))
    .requiredOption('--data <file>', 'the test set')
    .option('--labels <file>', 'the labels of an IDX test set')
    .requiredOption('--salt <file>', 'of its commitment');
}

async function claim(task: number, options: Options, io: Io): Promise<void> {
  const secret = secretOf(options);
  const { args, height } = await nodesOf(options).use(async (client) => {
    await committedPlan(client, task, options);
    const { spec, measured } = await measureTestSet(client, task, options, options.specificity);
    const claimed: ClaimArgs = { task, ...claimOf(measured, options.specificity) };
    const call = { contract: 'evaluation', method: 'claim', level: spec.level, args: claimed };
    return { args: claimed, height: (await commitCall(client, secret, call)).height };
  });
  if (options.json) return io.out(JSON.stringify({ ...args, height }));
  io.out(`Claimed in block ${height}, of ${args.rows} rows:\n${formatColumns(rowsOf(args.measures))}`);
}

async function check(task: number, options: Options, io: Io): Promise<void> {
  const found = await nodesOf(options).use(async (client) => {
    const plan = await committedPlan(client, task, options);
    if (plan.claim === null) throw new CliError('refused', `nothing has been claimed of task ${task} yet`);
    const { claim: said } = plan;
    const { measured, model } = await measureTestSet(client, task, options, said.specificityMicro / MICRO);
    return { said, own: claimOf(measured, said.specificityMicro / MICRO), model };
  });
  const wrong = faultsOf(found);
  if (options.json) io.out(JSON.stringify({ holds: wrong.length === 0, wrong, ...found }));
  else if (wrong.length === 0)
    io.out(`The claim holds, on ${found.own.rows} rows:\n${formatColumns(rowsOf(found.own.measures))}`);
  if (wrong.length > 0) throw new CliError('check-failed', `the claim does not hold: ${wrong.join('; ')}`);
}

/** The plan, after checking that this is the test set that it commits to. */
async function committedPlan(client: Client, task: number, options: Options): Promise<Plan> {
  const plan = await client.call('evaluation.plan', { task });
  if (plan === null || plan.testSet === null)
    throw new CliError('refused', `task ${task} was published without a commitment to a test set`);
  const commitment = await commitTestSet(readSalt(options.salt), options.data, options.labels ?? null);
  if (bytesToHex(commitment) === plan.testSet) return plan;
  throw new CliError(
    'check-failed',
    `${options.data} with this salt is not the test set that was committed to`,
  );
}

async function measureTestSet(client: Client, task: number, options: Options, specificity: number) {
  const facts = await factsFromNode(client, task);
  mustTellTwoApart(facts);
  const { schema, model } = facts.spec;
  const rows = await readRows(
    { file: options.data, labels: options.labels ?? null, schema },
    { rowsMax: TEST_ROWS_MAX, batchRows: 1, allow: wholeFaults },
  );
  const logits = logitsOf(model, weightsOf(facts), rows.x);
  const measured = measure(scoredRows(logits, rows.y), specificity);
  return { spec: facts.spec, model: facts.model.id, measured };
}

/** In whole millionths. Pure. */
export function claimOf(
  { rows, positives, measures }: Measured,
  specificity: number,
): Omit<ClaimArgs, 'task'> {
  const micro = (value: number | null) => (value === null ? null : Math.round(value * MICRO));
  const { auroc, auprc, brier, accuracy, sensitivity } = measures;
  return {
    rows,
    positives,
    specificityMicro: Math.round(specificity * MICRO),
    measures: {
      auroc: micro(auroc),
      auprc: micro(auprc),
      brier: micro(brier)!,
      accuracy: micro(accuracy)!,
      sensitivity: micro(sensitivity),
    },
  };
}

/** What of a claim is not as it was found again. Pure. */
export function faultsOf({
  said,
  own,
  model,
}: {
  readonly said: NonNullable<Plan['claim']>;
  readonly own: Omit<ClaimArgs, 'task'>;
  readonly model: string;
}): readonly string[] {
  const wrong = said.model === model ? [] : ['the model is another one'];
  for (const name of ['rows', 'positives'] as const)
    if (said[name] !== own[name]) wrong.push(`${name}: ${said[name]} claimed, ${own[name]} found`);
  for (const [name, found] of Object.entries(own.measures) as [keyof Claimed, number | null][]) {
    const claimed = said.measures[name];
    const same =
      claimed === null || found === null ? claimed === found : Math.abs(claimed - found) <= APART_MAX;
    if (!same) wrong.push(`${name}: ${shareText(claimed)} claimed, ${shareText(found)} found`);
  }
  return wrong;
}

function rowsOf(measures: Claimed): string[][] {
  return Object.entries(measures).map(([name, value]) => [`  ${name}`, shareText(value)]);
}

function shareText(micro: number | null): string {
  return micro === null ? 'none' : (micro / MICRO).toFixed(6);
}
