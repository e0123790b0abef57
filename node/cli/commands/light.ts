import { dirname, join } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { hexToBytes } from '../../../crypto/index.js';
import type { KnownBlock, LightFinding, LightSession } from '../../light/index.js';
import { readGenesis } from '../../provision/index.js';
import { type Client, createClient } from '../../rpc/index.js';
import { nodeUrl, wholeNumber } from '../args.js';
import { CliError } from '../failure.js';
import { interrupt } from '../interrupt.js';
import type { Io } from '../io.js';
import { formatFinding } from '../lightFinding.js';

const EXAMPLES = `
Examples:
  consilium light verify transaction 9f2c... --genesis genesis.json --rpc http://127.0.0.1:4001
  consilium light verify budget 41aa... --genesis genesis.json --rpc http://10.0.0.1:4001,http://10.0.0.2:4001
  consilium light verify model 1 30 --genesis genesis.json --rpc http://127.0.0.1:4001 --trust 61:9f2c...
  consilium light verify key consensus/ring/3 --genesis genesis.json --rpc http://127.0.0.1:4001
  consilium light follow --genesis genesis.json --rpc http://127.0.0.1:4001`;

interface LightOptions {
  readonly genesis: string;
  readonly rpc: readonly string[];
  readonly trust?: KnownBlock;
  readonly file?: string;
  readonly dataset?: readonly string[];
  readonly once?: boolean;
  readonly json?: boolean;
}

/** Longer than a call waits for a new block. */
const TIMEOUT_MS = 30_000;
const WAIT_MS = 20_000;
const NUMBER_MAX = Number.MAX_SAFE_INTEGER;

/** `consilium light verify|follow`. */
export function addLight(light: Command, io: Io): void {
  light.addHelpText('after', EXAMPLES);
  lightOptions(light.command('verify'))
    .argument('<what>', 'transaction, budget, model or key')
    .argument('<values...>', 'its hash; the device’s key; task and round; the state key')
    .option('--dataset <id>', 'for budget: a declared dataset (default: those that nodes name)', datasets)
    .description('prove what a chain says of a transaction, a budget, a model or a key of its state')
    .addHelpText('after', EXAMPLES)
    .action((what: string, values: string[], _, self: Command) =>
      verify(what, values, self.optsWithGlobals(), io),
    );
  lightOptions(light.command('follow'))
    .option('--once', 'end at the newest block')
    .description('follow the chain’s headers by their certificates, until Ctrl-C')
    .addHelpText('after', EXAMPLES)
    .action((_, self: Command) => followOn(self.optsWithGlobals(), io));
}

function lightOptions(command: Command): Command {
  return command
    .requiredOption('--genesis <file>', 'the genesis that you trust')
    .requiredOption('--rpc <urls>', 'nodes to ask, with commas between; none of them is believed', nodeUrls)
    .option('--trust <height:hash>', 'a block that you know from elsewhere, to begin at', known)
    .option('--file <file>', 'where the proved head is kept (default: light.json beside the genesis)');
}

async function verify(what: string, values: readonly string[], options: LightOptions, io: Io): Promise<void> {
  const finder = finderOf(what, values, options);
  const session = await open(options, io);
  const finding = await finder(session);
  io.out(options.json ? JSON.stringify(finding) : formatFinding(finding));
}

/** What is asked for, its values checked before any node is. */
function finderOf(
  what: string,
  values: readonly string[],
  { dataset, rpc }: LightOptions,
): (session: LightSession) => Promise<LightFinding> {
  const wants = (count: number, text: string): void => {
    if (values.length !== count) throw new CliError('usage', `light verify ${what} takes ${text}`);
  };
  const [first = '', second = ''] = values;
  switch (what) {
    case 'transaction': {
      wants(1, 'the transaction’s hash');
      const hash = hex32(first);
      return async (session) => (await import('../../light/index.js')).findTransaction(session, hash);
    }
    case 'budget': {
      wants(1, 'the device’s public key');
      const device = hex32(first);
      const clients = rpc.map((url) => clientOf(url));
      return async (session) =>
        (await import('../../light/index.js')).findBudget(session, clients, device, dataset ?? null);
    }
    case 'model': {
      wants(2, 'the numbers of task and round');
      const [task, round] = [number(first), number(second)];
      return async (session) => (await import('../../light/index.js')).findModel(session, task, round);
    }
    case 'key':
      wants(1, 'one state key');
      return async (session) => (await import('../../light/index.js')).findKey(session, first);
    default:
      throw new CliError('usage', `light verify ${what}: it is transaction, budget, model or key`);
  }
}

async function followOn(options: LightOptions, io: Io): Promise<void> {
  const { signal, ignore } = interrupt();
  try {
    const session = await open(options, io, signal);
    for (let told = -1; ; ) {
      const { height, hash, time } = await session.followOn(told < 0 ? 0 : WAIT_MS);
      const id = Buffer.from(hash).toString('hex');
      if (height > told && options.json) io.out(JSON.stringify({ height, hash: id, time }));
      else if (height > told) io.out(`${height}  ${id}  ${new Date(time).toISOString()}`);
      told = height;
      if (options.once) return;
      signal.throwIfAborted();
    }
  } finally {
    ignore();
  }
}

async function open(options: LightOptions, io: Io, signal?: AbortSignal): Promise<LightSession> {
  const { LightSession, trustFile } = await import('../../light/index.js');
  return new LightSession({
    genesis: readGenesis(options.genesis),
    clients: options.rpc.map((url) => clientOf(url, signal)),
    trust: trustFile(options.file ?? join(dirname(options.genesis), 'light.json')),
    known: options.trust,
    onRefusal: (url, { message }) => io.note(message.includes(url) ? message : `${url}: ${message}`),
  });
}

function clientOf(url: string, signal?: AbortSignal): Client {
  return createClient(url, { timeoutMs: TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) });
}

function nodeUrls(text: string): readonly string[] {
  return text.split(',').map(nodeUrl);
}

function known(text: string): KnownBlock {
  const match = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text);
  if (match === null || Number(match[1]) < 1)
    throw new InvalidArgumentError('It must be HEIGHT:HASH, the hash as 64 hex digits.');
  return { height: Number(match[1]), hash: hexToBytes(match[2]!) };
}

function datasets(text: string, before: readonly string[] = []): readonly string[] {
  if (/^[0-9a-f]{64}$/.test(text)) return [...new Set([...before, text])];
  throw new InvalidArgumentError('It must be 64 hex digits.');
}

function hex32(text: string): Uint8Array {
  if (/^[0-9a-f]{64}$/.test(text)) return hexToBytes(text);
  throw new CliError('usage', `${text} is not 64 hex digits`);
}

function number(text: string): number {
  try {
    return wholeNumber(1, NUMBER_MAX)(text);
  } catch {
    throw new CliError('usage', `${text} is not a whole number above 0`);
  }
}
