import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { encodeContent, type TaskSpec } from '../../../contracts/index.js';
import { RATE_ALL, tightestEpsilon, withCount } from '../../../fl/index.js';
import type { ResultOf } from '../../rpc/index.js';
import { sealContent } from '../../sealing/content.js';
import { createKeyFile } from '../../sealing/keyFile.js';
import { wholeNumber } from '../args.js';
import { bar } from '../demo/view.js';
import { CliError } from '../failure.js';
import { interrupt } from '../interrupt.js';
import { formatColumns, type Io } from '../io.js';
import { programName } from '../programName.js';
import { publishTask } from '../publish.js';
import { type SignerOptions, secretOf } from '../signer.js';
import { createStatusLine } from '../statusLine.js';
import { readTaskFile, taskSpecOf } from '../taskFile.js';
import { type NodeOptions, nodeOptions, nodesOf } from './nodeOptions.js';
import { addGate, contentIn } from './taskGate.js';
import { addSealed, readerKey, told } from './taskSealed.js';

const EXAMPLES = `
Examples:
  consilium task publish task.json --network ./net
  consilium task list --network ./net
  consilium task watch 1 --network ./net
  consilium task result 1 --node http://127.0.0.1:4001 --weights model.f32`;

const WAIT_MS = 10_000;
const taskNumber = wholeNumber(1, Number.MAX_SAFE_INTEGER);

type Globals = NodeOptions & { readonly json?: boolean };

/** `consilium task publish|list|watch|result`, and what is sealed. */
export function addTask(task: Command, io: Io): void {
  task.addHelpText('after', EXAMPLES);
  nodeOptions(task.command('publish').argument('<task.json>', 'the task, as demo writes one'))
    .description('sign and publish a task')
    .option('--keystore <file>', 'the publisher’s keys (default: those of --network)')
    .option('--password-file <file>', 'its password (default: the file "password" beside it)')
    .option(
      '--sealed <content.json>',
      'title and description, for the readers alone: the task’s own title is dropped',
    )
    .option('--key <file>', 'with --sealed: where your own reading key goes, a new file')
    .option(
      '--reader <key>',
      'with --sealed: one more reader (`task reader-key`); may be given again',
      readerKey,
    )
    .addHelpText('after', EXAMPLES)
    .action((file: string, _, self: Command) => publish(file, self.optsWithGlobals(), io));
  nodeOptions(task.command('list'))
    .description('all tasks of the chain')
    .action((_, self: Command) => list(self.optsWithGlobals(), io));
  nodeOptions(task.command('watch').argument('<task>', 'its number', taskNumber))
    .description('one line a round until the task is over')
    .action((id: number, _, self: Command) => watch(id, self.optsWithGlobals(), io));
  nodeOptions(task.command('result').argument('<task>', 'its number', taskNumber))
    .description('what became of a task, and its newest model')
    .option('--weights <file>', 'write the model’s weights there (float32, little-endian)')
    .action((id: number, _, self: Command) => result(id, self.optsWithGlobals(), io));
  addSealed(task, io);
  addGate(task, io);
}

interface SealedOptions {
  readonly sealed?: string;
  readonly key?: string;
  readonly reader?: readonly Uint8Array[];
}

async function publish(
  file: string,
  options: Globals & SignerOptions & SealedOptions,
  io: Io,
): Promise<void> {
  const asked = taskSpecOf(readTaskFile(file));
  const seal = sealerOf(options);
  const spec = seal === null ? asked : { ...asked, title: '' };
  const secret = secretOf(options);
  const done = await nodesOf(options).use(async (client) => {
    const { chainId } = await client.call('chain.status', {});
    const id = Uint8Array.from(Buffer.from(chainId, 'hex'));
    return publishTask(client, id, secret, spec, seal?.(id) ?? null);
  });
  if (options.json) return io.out(JSON.stringify(done));
  io.out(`Task ${done.task} is published in block ${done.height} (transaction ${done.transaction}).`);
  const drawn = drawnText(spec);
  if (drawn !== null) io.out(drawn);
  io.out(`Follow it with: ${programName()} task watch ${done.task} ${whereOf(options)}`);
}

/** What a task with drawn units claims, and what of it nobody can check; null: it draws none. Cost: seconds. */
function drawnText({ privacy, local, clipping, rounds }: TaskSpec): string | null {
  if (local.rate32 === RATE_ALL || privacy.sigma16 === 0) return null;
  const rate = local.rate32 / RATE_ALL;
  const sigma16 =
    clipping.countSigma16 === 0 ? privacy.sigma16 : withCount(privacy.sigma16, clipping.countSigma16);
  const mechanism = { sigma: sigma16 / 65_536, rate, rounds: rounds * local.steps };
  const { epsilon, accountant } = tightestEpsilon(mechanism, privacy.deltaPico / 1e12);
  return `Declared: each device draws ${rate} of its units in secret for each step. Ledgers count ε = ${privacy.epsilonMicro / 1e6} for all rounds, at one Rényi order; the tightest accountant (${accountant}) says ${epsilon.toFixed(2)}.`;
}

/** Seals the content for a chain. Null: the task has its title in clear. */
function sealerOf({ sealed, key, reader = [] }: SealedOptions): ((chainId: Uint8Array) => Uint8Array) | null {
  if (sealed === undefined) {
    if (key !== undefined || reader.length > 0)
      throw new CliError('usage', '--key and --reader go with --sealed');
    return null;
  }
  if (key === undefined) throw new CliError('usage', '--sealed needs --key: where your own reading key goes');
  const content = contentIn(sealed);
  const readers = [told(() => createKeyFile(key)).publicKey, ...reader];
  const random = () => new Uint8Array(randomBytes(32));
  return (chainId) => {
    const parts = { chainId, content, readers, taskKey: random(), ikms: readers.map(random) };
    const done = sealContent(parts);
    if (done === null) throw new CliError('usage', 'a reader’s key is none that anything can be sealed to');
    return encodeContent(done);
  };
}

async function list(options: Globals, io: Io): Promise<void> {
  const tasks = await nodesOf(options).use((client) => client.call('task.list', {}));
  if (options.json) io.out(JSON.stringify(tasks));
  else if (tasks.length === 0) io.out('No task has been published.');
  else {
    const rows = tasks.map(({ id, kind, status, round, rounds, level, title }) => {
      const progress = kind === 'content' ? 'content' : `round ${round} of ${rounds}`;
      return [String(id), status, progress, `level ${level}`, title === '' ? '(sealed)' : title];
    });
    io.out(formatColumns(rows));
  }
}

/** The option that names the same node or network again. */
function whereOf({ network, node }: NodeOptions): string {
  return node === undefined ? `--network ${network}` : `--node ${node}`;
}

async function watch(task: number, options: Globals, io: Io): Promise<void> {
  const nodes = nodesOf(options);
  const { signal, ignore } = interrupt();
  const line = createStatusLine(io, options.json === true);
  try {
    for (let from = 1; ; ) {
      const info = await nodes.use((client) => client.call('task.get', { task }));
      if (line.isDrawn) line.show(progressOf(info, from - 1));
      const rounds = await nodes.use((client) => client.call('task.rounds', { task, from, waitMs: WAIT_MS }));
      line.close();
      signal.throwIfAborted();
      for (const round of rounds) {
        const qualified = round.verdicts.filter((verdict) => verdict.qualified).length;
        const refused = round.verdicts.length - qualified;
        from = round.round + 1;
        if (options.json) io.out(JSON.stringify(round));
        else
          io.out(
            `round ${round.round} ${round.status}: ${qualified} updates qualified, ${refused} refused${round.status === 'searched' ? '; C falls, the model stays' : ''}`,
          );
      }
      // Asked before the rounds: whatever closed until then has been told.
      if (rounds.length > 0 || !['done', 'failed', 'withdrawn'].includes(info.status)) continue;
      if (!options.json) io.out(`task ${task} is ${info.status}`);
      if (info.status === 'failed') throw new CliError('check-failed', `task ${task} failed`);
      return;
    }
  } finally {
    line.close();
    ignore();
  }
}

/** How far a task is, in one line. Pure. */
export function progressOf({ status, enrolled, spec }: ResultOf<'task.get'>, closed: number): string {
  if (status === 'enrolling') return `enrolling devices: ${enrolled.length} of ${spec.devicesMax}`;
  return `${bar(closed, spec.rounds)}  ${closed} of ${spec.rounds} rounds, task ${status}`;
}

async function result(task: number, options: Globals & { readonly weights?: string }, io: Io): Promise<void> {
  const nodes = nodesOf(options);
  const info = await nodes.use((client) => client.call('task.get', { task }));
  const model = info.model === null ? null : await nodes.use((client) => client.call('model.get', { task }));
  if (options.weights !== undefined) {
    if (model === null) throw new CliError('refused', `task ${task} has no model yet`);
    writeFileSync(options.weights, Buffer.from(model.bytes, 'base64'), { flag: 'wx' });
  }
  if (options.json) {
    io.out(JSON.stringify({ ...info, model: model === null ? null : { id: model.id, size: model.size } }));
    return;
  }
  io.out(
    formatColumns([
      ['task', `${info.id}: ${info.spec.title}`],
      ['status', info.status],
      ['devices', String(info.enrolled.length)],
      ['model', model === null ? 'none yet' : `${model.id}, ${model.size} bytes`],
    ]),
  );
}
