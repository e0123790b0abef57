import type { Command } from 'commander';
import { readGenesis } from '../../provision/index.js';
import type { Io } from '../io.js';
import { settingOptions, settingsFrom } from './settingOptions.js';

const EXAMPLES = `
One JSON line on stdout says when the node is ready; its log goes to stderr, one JSON object a line.
SIGTERM or Ctrl-C closes the store and ends it.

Every setting of the file can be given by environment (CONSILIUM_RPC_PORT ...) or flag too: "consilium config explain"
shows which one counts. Lists are separated by commas.

Example:
  consilium node start --config nodes/hospital-1/config.json
  consilium node start --config nodes/hospital-9/config.json --join snapshot   joins an old chain in seconds`;

/** `consilium node start`: one validator in this process. */
export function addNode(node: Command, io: Io): void {
  settingOptions(node.command('start'))
    .description('run one validator until it is told to end')
    .option('--with-parent', 'end also when the standard input ends', false)
    .addHelpText('after', EXAMPLES)
    .action(async (options: StartOptions) => {
      await start(options, io);
    });
}

interface StartOptions {
  readonly [setting: string]: unknown;
  readonly withParent: boolean;
}

async function start(options: StartOptions, io: Io): Promise<void> {
  const { config } = settingsFrom(options, io);
  readGenesis(config.genesis); // its faults have exit codes of their own
  const ended = toldToEnd(options.withParent); // from here on: a signal during the start ends it in order, too
  const { startNode } = await import('../../main.js');
  const node = await startNode(config);
  io.out(JSON.stringify({ event: 'ready', name: config.name, rpc: node.rpcUrl, pid: process.pid }));
  const fault = await Promise.race([ended, node.failed]);
  await node.close();
  if (fault !== undefined) throw fault;
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
