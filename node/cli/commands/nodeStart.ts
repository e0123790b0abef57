import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { joins, readKnownBlock, readNodeConfig } from '../../config.js';
import { readGenesis } from '../../provision/index.js';
import type { Io } from '../io.js';

const EXAMPLES = `
One JSON line on stdout says when the node is ready; its log goes to stderr, one JSON object a line.
SIGTERM or Ctrl-C closes the store and ends it.

Example:
  consilium node start --config nodes/hospital-1/config.json
  consilium node start --config nodes/hospital-9/config.json --join snapshot   joins an old chain in seconds`;

/** `consilium node start`: one validator in this process. */
export function addNode(node: Command, io: Io): void {
  node
    .command('start')
    .description('run one validator until it is told to end')
    .requiredOption('--config <file>', 'its configuration')
    .option(
      '--devices <folder>',
      'hosts the devices in this folder, one folder each (default: as configured)',
    )
    .addOption(new Option('--join <how>', 'how a node without a block gets the chain').choices(joins))
    .option('--trust <height:hash>', 'with a snapshot: a block that you know to be of the chain', known)
    .option('--with-parent', 'end also when the standard input ends', false)
    .addHelpText('after', EXAMPLES)
    .action(async (options: StartOptions) => {
      await start(options, io);
    });
}

interface StartOptions {
  readonly config: string;
  readonly devices?: string;
  readonly join?: (typeof joins)[number];
  readonly trust?: string;
  readonly withParent: boolean;
}

async function start(
  { config: file, devices, join, trust, withParent }: StartOptions,
  io: Io,
): Promise<void> {
  const changes = {
    ...(devices !== undefined && { devicesDir: resolve(devices) }),
    ...(join !== undefined && { join }),
    ...(trust !== undefined && { trust }),
  };
  const config = { ...readNodeConfig(file), ...changes };
  readGenesis(config.genesis); // its faults have exit codes of their own
  const ended = toldToEnd(withParent); // from here on: a signal during the start ends it in order, too
  const { startNode } = await import('../../main.js');
  const node = await startNode(config);
  io.out(JSON.stringify({ event: 'ready', name: config.name, rpc: node.rpcUrl, pid: process.pid }));
  const fault = await Promise.race([ended, node.failed]);
  await node.close();
  if (fault !== undefined) throw fault;
}

function known(text: string): string {
  if (readKnownBlock(text) !== null) return text;
  throw new InvalidArgumentError('It must be HEIGHT:HASH, the hash in 64 hex digits.');
}

function toldToEnd(withParent: boolean): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(name, () => resolve());
    if (!withParent) return;
    // The parent holds the other end and never writes: it ends when the parent does, however that happens.
    process.stdin.resume();
    process.stdin.once('end', () => resolve());
    process.stdin.once('error', () => resolve());
  });
}
