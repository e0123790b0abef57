import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { plannedTask } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import {
  BINS_MAX,
  calibrateSigma16,
  epsilonMicroOfRho,
  HELD_OUT16_MAX,
  histogramRho,
} from '../../../fl/index.js';
import { readJsonText } from '../../config.js';
import type { Client } from '../../rpc/index.js';
import { epsilon, share, wholeNumber } from '../args.js';
import { chainIdOf, commitCall } from '../commitCall.js';
import { CliError } from '../failure.js';
import { formatColumns, type Io } from '../io.js';
import { type SignerOptions, secretOf } from '../signer.js';
import { taskSpecOf } from '../taskFile.js';
import { addClaim } from './evaluationClaim.js';
import { addResult } from './evaluationResult.js';
import { keyOptions } from './keyOptions.js';
import { type NodeOptions, nodeOptions, nodesOf } from './nodeOptions.js';
import { commitTestSet } from './testSet.js';

const EXAMPLES = `
Examples:
  consilium evaluation plan task.json --network ./net --held-out 0.2 --epsilon 1 --test-set test.csv --salt salt.txt
  consilium task publish task.json --network ./net                 the very same file
  consilium evaluation open 1 --network ./net                      when rounds have closed
  consilium evaluation result 1 --network ./net
  consilium evaluation claim 1 --data test.csv --salt salt.txt --network ./net
  consilium evaluation check 1 --data test.csv --salt salt.txt --network ./net

A plan is made before its task is published: from it devices know which share of their rows to keep from training, and
what evaluations may cost their patients at most.`;

const ONE16 = 65_536;
const taskNumber = wholeNumber(1, Number.MAX_SAFE_INTEGER);

type Globals = NodeOptions & SignerOptions & { readonly json?: boolean };

/** `consilium evaluation plan|open|result|claim|check`. */
export function addEvaluation(evaluation: Command, io: Io): void {
  evaluation.addHelpText('after', EXAMPLES);
  keyOptions(nodeOptions(evaluation.command('plan').argument('<task.json>', 'the task, not published yet')))
    .description('fix held-out rows, the cost of evaluations and your own test set, before publishing a task')
    .option(
      '--held-out <share>',
      'of its rows that each device keeps from training, at most a half',
      share,
      0,
    )
    .option(
      '--epsilon <e>',
      'that all evaluations together may cost a record; "none": without noise',
      epsilon,
    )
    .option('--delta <d>', 'with --epsilon', share, 1e-4)
    .option('--test-set <file>', 'commit to this test set, without showing it')
    .option('--labels <file>', 'the labels of an IDX test set')
    .option('--salt <file>', 'with --test-set: where its salt goes, a new file; keep it with the test set')
    .option('--sealed', 'the task will be published with --sealed')
    .addHelpText('after', EXAMPLES)
    .action((file: string, _, self: Command) => plan(file, self.optsWithGlobals(), io));
  keyOptions(nodeOptions(evaluation.command('open').argument('<task>', 'its number', taskNumber)))
    .description('ask the devices of a task to count its model’s scores on their held-out rows, with noise')
    .option('--round <n>', 'whose model (default: the newest closed one)', wholeNumber(1, 1_000_000))
    .option('--bins <n>', 'of scores', wholeNumber(2, BINS_MAX), 20)
    .addOption(
      new Option('--releases <n>', 'how many such evaluations the plan shall last for: decides the noise')
        .argParser(wholeNumber(1, 64))
        .default(1),
    )
    .option('--quorum <n>', 'of answers (default: two thirds of the devices)', wholeNumber(1, 1_000))
    .option('--deadline-ms <ms>', 'from when on it closes', wholeNumber(1, 30 * 86_400_000), 60_000)
    .option('--deadline-blocks <n>', 'and not before', wholeNumber(1, 1_000_000), 2)
    .addHelpText('after', EXAMPLES)
    .action((task: number, _, self: Command) => open(task, self.optsWithGlobals(), io));
  addResult(evaluation, io);
  addClaim(evaluation, io);
}

interface PlanOptions extends Globals {
  readonly heldOut: number;
  readonly epsilon?: number | 'none';
  readonly delta: number;
  readonly testSet?: string;
  readonly labels?: string;
  readonly salt?: string;
  readonly sealed?: boolean;
}

async function plan(file: string, options: PlanOptions, io: Io): Promise<void> {
  const asked = taskSpecOf(readJsonText(file));
  const spec = options.sealed === true ? { ...asked, title: '' } : asked;
  const heldOut16 = Math.round(options.heldOut * ONE16);
  if (heldOut16 > HELD_OUT16_MAX) throw new CliError('usage', '--held-out is at most a half');
  if (heldOut16 > 0 && options.epsilon === undefined)
    throw new CliError(
      'usage',
      '--held-out needs --epsilon: what evaluations may cost ("none": public data)',
    );
  const hasNoise = options.epsilon !== undefined && options.epsilon !== 'none';
  const budget = {
    epsilonMicro: hasNoise ? Math.round((options.epsilon as number) * 1e6) : 0,
    deltaPico: hasNoise ? Math.max(1, Math.round(options.delta * 1e12)) : 0,
  };
  const secret = secretOf(options);
  const testSet = await committed(options);
  const done = await nodesOf(options).use(async (client) => {
    const chainId = await chainIdOf(client);
    const args = { task: plannedTask(chainId, spec), heldOut16, ...budget, testSet };
    const call = { contract: 'evaluation', method: 'plan', args };
    const { hash: transaction, height, events } = await commitCall(client, secret, call);
    return { transaction, height, events, planned: bytesToHex(args.task) };
  });
  const told = { ...done, testSet: testSet === null ? null : bytesToHex(testSet) };
  if (options.json) return io.out(JSON.stringify(told));
  io.out(
    `Planned in block ${done.height}. Now publish the very same file: consilium task publish ${file}` +
      `${testSet === null ? '' : `\nThe test set is committed to; without ${options.salt} nobody can check a claim.`}`,
  );
}

/** The commitment to the test set, its salt in a new file. Null: none was asked for. */
async function committed({ testSet, labels, salt }: PlanOptions): Promise<Uint8Array | null> {
  if ((testSet === undefined) !== (salt === undefined))
    throw new CliError('usage', '--test-set and --salt go together');
  if (testSet === undefined) return null;
  const fresh = new Uint8Array(randomBytes(32));
  const commitment = await commitTestSet(fresh, testSet, labels ?? null);
  writeFileSync(salt!, `${bytesToHex(fresh)}\n`, { flag: 'wx', mode: 0o600 });
  return commitment;
}

interface OpenOptions extends Globals {
  readonly round?: number;
  readonly bins: number;
  readonly releases: number;
  readonly quorum?: number;
  readonly deadlineMs: number;
  readonly deadlineBlocks: number;
}

async function open(task: number, options: OpenOptions, io: Io): Promise<void> {
  const secret = secretOf(options);
  const done = await nodesOf(options).use(async (client) => {
    const planned = await client.call('evaluation.plan', { task });
    if (planned === null || planned.heldOut16 === 0)
      throw new CliError('refused', `task ${task} was published without held-out rows (evaluation plan)`);
    const { spec, enrolled } = await client.call('task.get', { task });
    const round = options.round ?? (await newestClosed(client, task));
    const { epsilonMicro, deltaPico } = planned;
    const sigma16 =
      epsilonMicro === 0 ? 0 : calibrateSigma16({ epsilonMicro, deltaPico, rounds: options.releases });
    const asked = {
      task,
      round,
      unit: spec.privacy.unit,
      bins: options.bins,
      sigma16,
      quorum: options.quorum ?? Math.max(1, Math.ceil((2 * enrolled.length) / 3)),
      deadlineMs: options.deadlineMs,
      deadlineBlocks: options.deadlineBlocks,
    };
    const call = { contract: 'evaluation', method: 'open', level: spec.level, args: { spec: asked } };
    const sent = await commitCall(client, secret, call);
    const evaluation = sent.events.find(({ kind }) => kind === 'opened')?.fields.evaluation as number;
    const cost = sigma16 === 0 ? 0 : epsilonMicroOfRho(histogramRho(sigma16), deltaPico) / 1e6;
    return {
      evaluation,
      height: sent.height,
      round,
      sigma: sigma16 / ONE16,
      epsilon: cost,
      quorum: asked.quorum,
    };
  });
  if (options.json) return io.out(JSON.stringify({ task, ...done }));
  const rows = [
    ['evaluation', String(done.evaluation)],
    ['model', `of round ${done.round} of task ${task}`],
    ['noise', done.sigma === 0 ? 'none' : `σ = ${done.sigma.toFixed(2)} on every count of every device`],
    ['cost', done.sigma === 0 ? 'none' : `ε = ${done.epsilon.toFixed(2)} of each record, by itself`],
    ['quorum', `${done.quorum} devices`],
  ];
  io.out(formatColumns(rows));
}

async function newestClosed(client: Client, task: number): Promise<number> {
  for (let newest = 0; ; ) {
    const more = await client.call('task.rounds', { task, from: newest + 1 });
    if (more.length > 0) newest = more.at(-1)!.round;
    else if (newest > 0) return newest;
    else throw new CliError('refused', `no round of task ${task} has closed yet`);
  }
}
