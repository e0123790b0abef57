import { resolve } from 'node:path';
import type { Command } from 'commander';
import { bytesToHex } from '../../../crypto/index.js';
import { readGenesis } from '../../provision/index.js';
import { rpcUrlOf } from '../../settings/index.js';
import { HEIGHT_MAX, wholeNumber } from '../args.js';
import type { Io } from '../io.js';
import { settingsIn } from './settingOptions.js';

const BACKUP = `
The node may run and goes on. The copy is checked like a chain that a node opens. To restore it, stop the node, move its
data folder away, put the backup there: the node then follows the chain, and votes when the others have told how far it
may have voted.

Example:
  consilium chain backup ./net/nodes/hospital-1 /backups/hospital-1-monday`;

const COMPACT = `
The node must not run. The chain is checked first.

Example:
  consilium chain compact ./net/nodes/hospital-1`;

const PRUNE = `
The node must not run. Removes the payloads whose task's audit window is over, in one go: what a node with "retention":
"window" does while it runs. With --task the window is not waited for: for a request for erasure (docs/erasure.md). The newest model of every task stays, and all that open rounds rest on.

Examples:
  consilium chain prune ./net/nodes/hospital-1
  consilium chain prune ./net/nodes/hospital-1 --task 3`;

interface Options {
  readonly json?: boolean;
}

/** `consilium chain backup|compact|prune`: what is done to a node's chain folder. */
export function addFolderCommands(chain: Command, io: Io): void {
  chain
    .command('backup')
    .argument('<folder>', 'a node’s folder, with its config.json')
    .argument('<to>', 'where the backup goes: a folder that does not exist yet')
    .description('copy the chain folder of a node, running or not, and check the copy')
    .addHelpText('after', BACKUP)
    .action(async (folder: string, to: string, _, self: Command) => {
      await backup(folder, resolve(to), self.optsWithGlobals(), io);
    });
  chain
    .command('compact')
    .argument('<folder>', 'a node’s folder, with its config.json')
    .description('make the chain folder of a stopped node smaller, without what was overwritten')
    .addHelpText('after', COMPACT)
    .action(async (folder: string, _, self: Command) => {
      await compact(folder, self.optsWithGlobals(), io);
    });
  chain
    .command('prune')
    .argument('<folder>', 'a node’s folder, with its config.json')
    .option(
      '--task <number>',
      'erase all payloads of this task, its audit window notwithstanding',
      wholeNumber(1, HEIGHT_MAX),
    )
    .description('remove the payloads of a stopped node whose audit window is over')
    .addHelpText('after', PRUNE)
    .action(async (folder: string, _, self: Command) => {
      await prune(folder, self.optsWithGlobals(), io);
    });
}

interface PruneOptions extends Options {
  readonly task?: number;
}

async function backup(folder: string, to: string, { json }: Options, io: Io): Promise<void> {
  const { config, chain } = await chainOf(folder, io);
  const { backupChain } = await import('../../backup.js');
  const report = await backupChain({ chain, path: config.dataDir, url: rpcUrlOf(config), to });
  const { height, bytes } = report;
  const hash = bytesToHex(report.hash);
  io.out(
    json
      ? JSON.stringify({ ...report, hash })
      : `${to}: the chain up to height ${height}, checked, ${megabytes(bytes)}`,
  );
}

async function compact(folder: string, { json }: Options, io: Io): Promise<void> {
  const { config, chain } = await chainOf(folder, io);
  const { databaseBytes, openStore } = await import('../../store/index.js');
  const { chainId, tip } = chain;
  const before = databaseBytes(config.dataDir);
  const store = await openStore({
    path: config.dataDir,
    chainId,
    genesisState: tip.state,
    create: false,
  });
  const { height } = store.head;
  await store.compact().finally(() => store.close());
  const after = databaseBytes(config.dataDir);
  io.out(
    json
      ? JSON.stringify({ height, before, after })
      : `${config.dataDir}: ${megabytes(before)} before, ${megabytes(after)} after, height ${height}`,
  );
}

async function prune(folder: string, { json, task }: PruneOptions, io: Io): Promise<void> {
  const { config, chain } = await chainOf(folder, io);
  const { openStore } = await import('../../store/index.js');
  const { Pruner } = await import('../../pruning/pruner.js');
  const { chainId, tip } = chain;
  const store = await openStore({
    path: config.dataDir,
    chainId,
    genesisState: tip.state,
    create: false,
  });
  const pruner = new Pruner({
    store,
    isWanted: () => false,
    serially: (step) => step(),
    onError: () => {},
    ...(task === undefined ? {} : { erase: task }),
  });
  const { height } = store.head;
  try {
    await pruner.runOut();
    // LevelDB keeps what was removed until it merges the tables that it is in.
    await store.compact();
  } finally {
    await store.close();
  }
  const { payloads, bytes } = pruner.counts;
  io.out(
    json
      ? JSON.stringify({ height, payloads, bytes })
      : `${config.dataDir}: ${payloads} payloads removed, ${megabytes(bytes)}, height ${height}`,
  );
}

async function chainOf(folder: string, io: Io) {
  const { config } = settingsIn(folder, io);
  const genesis = readGenesis(config.genesis);
  const { startChain } = await import('../../../genesis/index.js');
  return { config, chain: startChain(genesis) };
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
