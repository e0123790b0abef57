import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { decodeContent, type SealedContent } from '../../../contracts/index.js';
import { bytesToHex, hexToBytes } from '../../../crypto/index.js';
import { base64ToBytes, type Client } from '../../rpc/index.js';
import { openContent } from '../../sealing/content.js';
import { createKeyFile, KeyFileError, readKeyFile, shredKeyFile } from '../../sealing/keyFile.js';
import { wholeNumber } from '../args.js';
import { CliError } from '../failure.js';
import type { Io } from '../io.js';
import { type NodeOptions, nodeOptions, nodesOf } from './nodeOptions.js';

const READER_KEY = `
A reader makes a key for one task alone and gives the public key to the publisher; the file stays where it is. Who shreds
it can read the task no more, nor can anybody who later gets the machine (docs/erasure.md).

Examples:
  consilium task reader-key ./task-keys/diabetes.json
  consilium task publish task.json --network ./net --sealed content.json --key ./task-keys/own.json --reader 3f0a...
  consilium task open 4 --key ./task-keys/diabetes.json --network ./net
  consilium task shred ./task-keys/diabetes.json`;

const taskNumber = wholeNumber(1, Number.MAX_SAFE_INTEGER);

/** What `--sealed` reads. */
export const contentFileSchema = z.strictObject({
  title: z.string().min(1).max(200),
  description: z.string().max(8_000),
});

type Options = NodeOptions & { readonly json?: boolean };

/** `consilium task reader-key|open|shred`: content that only its readers see, until they destroy their keys. */
export function addSealed(task: Command, io: Io): void {
  task
    .command('reader-key')
    .argument('<file>', 'where the key goes: a file that does not exist yet')
    .description('make the key by which you will read one task’s sealed content')
    .addHelpText('after', READER_KEY)
    .action((file: string, _, self: Command) => {
      const publicKey = bytesToHex(told(() => createKeyFile(file)).publicKey);
      io.out((self.optsWithGlobals() as Options).json ? JSON.stringify({ file, publicKey }) : publicKey);
    });
  nodeOptions(task.command('open').argument('<task>', 'its number', taskNumber))
    .description('read a task’s sealed content with your key')
    .requiredOption('--key <file>', 'the reading key')
    .action((id: number, _, self: Command) => open(id, self.optsWithGlobals(), io));
  task
    .command('shred')
    .argument('<file>', 'the reading key')
    .description('destroy a reading key: what only it opened, nobody opens again')
    .action((file: string, _, self: Command) => {
      told(() => shredKeyFile(file));
      io.out((self.optsWithGlobals() as Options).json ? JSON.stringify({ file }) : `${file} is destroyed.`);
    });
}

/** A public key as `task reader-key` prints it, gathered: the option may be given again. */
export function readerKey(text: string, before: readonly Uint8Array[] = []): readonly Uint8Array[] {
  if (!/^[0-9a-f]{64}$/.test(text)) throw new InvalidArgumentError('It must be 64 hex digits.');
  return [...before, hexToBytes(text)];
}

/** What is wrong with a key file, as the command line tells it. */
export function told<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof KeyFileError) throw new CliError('bad-config', error.message);
    throw error;
  }
}

async function open(task: number, options: Options & { readonly key: string }, io: Io): Promise<void> {
  const keys = told(() => readKeyFile(options.key));
  const { chainId, sealed } = await nodesOf(options).use(async (client) => ({
    ...(await client.call('chain.status', {})),
    sealed: await sealedOf(client, task),
  }));
  const opened = openContent(hexToBytes(chainId), sealed, keys);
  if (opened === null)
    throw new CliError('refused', `${options.key} does not open the content of task ${task}`);
  io.out(options.json ? JSON.stringify(opened) : `${opened.title}\n\n${opened.description}`);
}

/** A task's sealed content with all wraps that the chain has. Throws CliError "refused": it has none. */
export async function sealedOf(client: Client, task: number): Promise<SealedContent> {
  const { content, admissions } = await client.call('task.content', { task });
  const bytes = content === null ? null : base64ToBytes(content);
  const sealed = bytes === null ? null : decodeContent(bytes);
  if (sealed === null) throw new CliError('refused', `task ${task} has no sealed content`);
  const wraps = admissions.map(({ reader, enc, wrapped }) => ({
    reader: hexToBytes(reader),
    enc: hexToBytes(enc),
    wrapped: hexToBytes(wrapped),
  }));
  return { ...sealed, wraps: [...sealed.wraps, ...wraps] };
}
