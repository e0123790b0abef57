import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { Option } from 'commander';
import { limits } from '../../../chain/index.js';
import {
  CONTENT_MS_MAX,
  encodeContent,
  PLACES_MAX,
  REFUSAL_REASONS,
  SUPPLY_MAX,
} from '../../../contracts/index.js';
import { bytesToHex, hexToBytes } from '../../../crypto/index.js';
import { readJsonText } from '../../config.js';
import type { Client, ResultOf } from '../../rpc/index.js';
import { fits, openTaskKey, sealContent, type TaskContent, wrapTaskKey } from '../../sealing/content.js';
import { createKeyFile, readKeyFile } from '../../sealing/keyFile.js';
import { wholeNumber } from '../args.js';
import { commitCall } from '../commitCall.js';
import { CliError } from '../failure.js';
import { formatColumns, type Io } from '../io.js';
import { accountOptions, type SignerOptions, secretOf } from '../signer.js';
import { key } from './account.js';
import { nodeOptions, nodesOf } from './nodeOptions.js';
import { contentFileSchema, sealedOf, told } from './taskSealed.js';

const HOUR_MS = 3_600_000;
const EXAMPLES = `
A content task is a sealed text for providers of one level (docs/tasks.md).

Examples:
  consilium task publish-content request.json --level 2 --key ./keys/own.json --network ./net
  consilium task apply 4 --key ./keys/for-4.json --as hospital-1-device-1 --network ./net
  consilium task show 4 --network ./net
  consilium task admit 4 --all --key ./keys/own.json --network ./net
  consilium task open 4 --key ./keys/for-4.json --network ./net
  consilium task complete 4 --provider 3f0a... --network ./net`;

const taskNumber = wholeNumber(1, Number.MAX_SAFE_INTEGER);

type Options = SignerOptions & { readonly json?: boolean };
type Gate = ResultOf<'task.gate'>;

/** `consilium task publish-content|show|apply|admit|refuse|withdraw|complete`. */
export function addGate(task: Command, io: Io): void {
  accountOptions(task.command('publish-content').argument('<content.json>', 'title and description'))
    .description('seal a text for providers of one level, whom you admit')
    .requiredOption('--level <n>', 'of the providers', wholeNumber(1, limits.levelMax))
    .requiredOption('--key <file>', 'where your own reading key goes, a new file: you admit with it')
    .option('--places <n>', 'providers that you admit at most', wholeNumber(1, PLACES_MAX), 1)
    .option('--reward <n>', 'tokens for all places together', wholeNumber(0, SUPPLY_MAX), 0)
    .option('--apply-ms <n>', 'time for applications', wholeNumber(1, CONTENT_MS_MAX), 24 * HOUR_MS)
    .option('--work-ms <n>', 'time for the work after it', wholeNumber(1, CONTENT_MS_MAX), 7 * 24 * HOUR_MS)
    .option('--providers-complete', 'admitted providers say for themselves that they are done')
    .addHelpText('after', EXAMPLES)
    .action((file: string, _, self: Command) => publishContent(file, self.optsWithGlobals(), io));
  nodeOptions(task.command('show').argument('<task>', 'its number', taskNumber))
    .description('state, reward and applicants of a task of either kind')
    .action((id: number, _, self: Command) => show(id, self.optsWithGlobals(), io));
  accountOptions(task.command('apply').argument('<task>', 'its number', taskNumber))
    .description('ask for a task’s sealed content')
    .requiredOption('--key <file>', 'where the key goes by which you will read it, a new file')
    .action((id: number, _, self: Command) => apply(id, self.optsWithGlobals(), io));
  accountOptions(task.command('admit').argument('<task>', 'its number', taskNumber))
    .description('let applicants read the content: the task key is wrapped for each')
    .requiredOption('--key <file>', 'your own reading key of the task')
    .option('--provider <key>', 'the applicant', key)
    .option('--all', 'everybody who waits, in order of arrival')
    .action((id: number, _, self: Command) => admit(id, self.optsWithGlobals(), io));
  accountOptions(task.command('refuse').argument('<task>', 'its number', taskNumber))
    .description('turn an applicant down')
    .requiredOption('--provider <key>', 'the applicant', key)
    .addOption(new Option('--reason <word>', 'why').choices([...REFUSAL_REASONS]).default('unsuitable'))
    .action((id: number, _, self: Command) => refuse(id, self.optsWithGlobals(), io));
  accountOptions(task.command('withdraw').argument('<task>', 'its number', taskNumber))
    .description('take a task of either kind back')
    .action((id: number, _, self: Command) => act(id, 'withdraw', {}, self.optsWithGlobals(), io));
  accountOptions(task.command('complete').argument('<task>', 'its number', taskNumber))
    .description('say who did the work, or, as a provider, that you did yours')
    .option('--provider <key>', 'who did it; may be given again', keys)
    .action((id: number, _, self: Command) => {
      const { provider: providers = [], ...options } = self.optsWithGlobals<
        Options & { readonly provider?: readonly Uint8Array[] }
      >();
      return act(id, 'complete', { providers }, options, io);
    });
}

function keys(text: string, before: readonly Uint8Array[] = []): readonly Uint8Array[] {
  return [...before, key(text)];
}

const random = () => new Uint8Array(randomBytes(32));

interface PublishOptions extends Options {
  readonly level: number;
  readonly key: string;
  readonly places: number;
  readonly reward: number;
  readonly applyMs: number;
  readonly workMs: number;
  readonly providersComplete?: boolean;
}

async function publishContent(file: string, options: PublishOptions, io: Io): Promise<void> {
  const content = contentIn(file);
  const secret = secretOf(options);
  const own = told(() => createKeyFile(options.key)).publicKey;
  const { level, places, reward, applyMs, workMs } = options;
  const done = await nodesOf(options).use(async (client) => {
    const chainId = await chainIdOf(client);
    const sealed = sealContent({ chainId, content, readers: [own], taskKey: random(), ikms: [random()] })!;
    const completion = options.providersComplete ? 'providers' : 'publisher';
    const args = { level, places, completion, reward, applyMs, workMs, content: encodeContent(sealed) };
    return commitCall(client, secret, { contract: 'tasks', method: 'publishContent', level, args });
  });
  const task = done.events.find(({ kind }) => kind === 'published')?.fields.task;
  if (options.json) io.out(JSON.stringify({ task, height: done.height, transaction: done.hash }));
  else io.out(`Task ${task} is published in block ${done.height}.`);
}

/** Title and description out of a file. Throws CliError "bad-config": another form, or too long to be sealed. */
export function contentIn(file: string): TaskContent {
  const parsed = contentFileSchema.safeParse(readJsonText(file));
  if (!parsed.success) throw new CliError('bad-config', `${file}: ${parsed.error.issues[0]!.message}`);
  if (!fits(parsed.data)) throw new CliError('bad-config', `${file}: a content has at most 16 KiB`);
  return parsed.data;
}

async function show(id: number, options: Options, io: Io): Promise<void> {
  const gate = await nodesOf(options).use((client) => client.call('task.gate', { task: id }));
  io.out(options.json ? JSON.stringify(gate) : formatGate(gate));
}

/** For people. Pure. */
export function formatGate(gate: Gate): string {
  const { content, paid } = gate;
  const rows = [
    ['task', `${gate.id} (${gate.kind})`],
    ['level', String(gate.level)],
    ['status', gate.status],
    ['reward', `${gate.reward} tokens`],
  ];
  if (gate.sealedBytes !== null) rows.push(['sealed', `${gate.sealedBytes} bytes`]);
  if (content !== null) {
    rows.push(['places', String(content.places)], ['completed by', content.completion]);
    rows.push(['applications until', new Date(content.applyUntil).toISOString()]);
    rows.push(['ends', new Date(content.endsAt).toISOString()]);
  }
  if (paid !== null) {
    const sum = paid.payments.reduce((all, { amount }) => all + amount, 0);
    rows.push(['paid', `${sum} tokens to ${paid.payments.length} accounts, ${paid.returned} returned`]);
  }
  const applicants = (gate.applicants ?? []).map(({ provider, name, status, reason, done }) => [
    `  ${name}`,
    done ? 'done' : status,
    reason ?? '',
    provider,
  ]);
  const told = applicants.length === 0 ? [] : ['Applicants:', formatColumns(applicants)];
  return [formatColumns(rows), ...told].join('\n');
}

async function apply(id: number, options: Options & { readonly key: string }, io: Io): Promise<void> {
  const own = told(() => createKeyFile(options.key)).publicKey;
  await act(id, 'ask', { key: own }, options, io);
}

type AdmitOptions = Options & {
  readonly key: string;
  readonly provider?: Uint8Array;
  readonly all?: boolean;
};

async function admit(id: number, options: AdmitOptions, io: Io): Promise<void> {
  if ((options.provider === undefined) === (options.all === undefined))
    throw new CliError('usage', 'whom? Give --provider KEY or --all');
  const own = told(() => readKeyFile(options.key));
  const secret = secretOf(options);
  const admitted = await nodesOf(options).use(async (client) => {
    const gate = await client.call('task.gate', { task: id });
    if (gate.applicants === null)
      throw new CliError('refused', 'this node shows applicants to its own machine alone: ask yours');
    const { level } = gate;
    const chainId = await chainIdOf(client);
    const sealed = await sealedOf(client, id);
    const taskKey = openTaskKey(chainId, sealed, own);
    if (taskKey === null) throw new CliError('refused', `${options.key} does not open task ${id}`);
    const wanted = options.provider && bytesToHex(options.provider);
    const chosen = gate.applicants.filter(({ provider, status }) =>
      wanted === undefined ? status === 'waiting' : provider === wanted,
    );
    if (chosen.length === 0) throw new CliError('refused', `nobody of that kind has applied for task ${id}`);
    for (const applicant of chosen) {
      const reader = hexToBytes(applicant.key);
      const wrap = wrapTaskKey({ chainId, ciphertext: sealed.ciphertext, taskKey, reader, ikm: random() });
      if (wrap === null) throw new CliError('refused', `the key of ${applicant.name} is none: refuse it`);
      const { enc, wrapped } = wrap;
      const args = { task: id, provider: hexToBytes(applicant.provider), enc, wrapped };
      await commitCall(client, secret, { contract: 'tasks', method: 'admit', level, args });
    }
    return chosen.map(({ provider, name }) => ({ provider, name }));
  });
  if (options.json) io.out(JSON.stringify({ task: id, admitted }));
  else io.out(`Admitted: ${admitted.map(({ name }) => name).join(', ')}.`);
}

type RefuseOptions = Options & { readonly provider: Uint8Array; readonly reason: string };

function refuse(id: number, { provider, reason, ...options }: RefuseOptions, io: Io): Promise<void> {
  return act(id, 'refuse', { provider, reason }, options, io);
}

/** One call about a task, at its level. */
async function act(id: number, method: string, args: object, options: Options, io: Io): Promise<void> {
  const secret = secretOf(options);
  const { height, hash } = await nodesOf(options).use(async (client) => {
    const { level } = await client.call('task.gate', { task: id });
    return commitCall(client, secret, { contract: 'tasks', method, level, args: { task: id, ...args } });
  });
  if (options.json) io.out(JSON.stringify({ task: id, height, transaction: hash }));
  else io.out(`Done, in block ${height}.`);
}

async function chainIdOf(client: Client): Promise<Uint8Array> {
  return hexToBytes((await client.call('chain.status', {})).chainId);
}
