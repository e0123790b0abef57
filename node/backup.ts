import { existsSync } from 'node:fs';
import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ChainStart } from '../genesis/index.js';
import { createClient, RpcError } from './rpc/index.js';
import { backupPlace, databaseBytes, openStore, type Store, StoreError } from './store/index.js';

export interface BackupOptions {
  readonly chain: ChainStart;
  /** The chain's folder. */
  readonly path: string;
  /** The node's RPC on this machine. */
  readonly url: string;
  /** Where the backup goes; there must be nothing yet. */
  readonly to: string;
}

export interface BackupReport {
  readonly folder: string;
  readonly height: number;
  readonly hash: Uint8Array;
  /** Of its database. */
  readonly bytes: number;
}

/** LevelDB may have been compacting under the copy: then it misses a table, and another is made. */
const TRIES = 5;
const TIMEOUT_MS = 60_000;

/**
 * A backup of a node's chain folder, whether or not the node runs: the node makes a copy (links, where it can) beside
 * its folder, and this process opens and checks all of it as a node does when it starts, then moves it away. A node that
 * is started from it follows the chain and does not vote before the network has told how far it may have voted.
 *
 * Throws StoreError ('not-found', 'locked', 'write-failed', and 'damaged' when the folder itself is), RpcError.
 */
export async function backupChain(options: BackupOptions): Promise<BackupReport> {
  const { path, to } = options;
  if (existsSync(to)) {
    throw new StoreError(
      'write-failed',
      `there is something in ${to}; name a folder that does not exist yet`,
    );
  }
  const place = backupPlace(path);
  const { head } = await copyChecked(options, place);
  await mkdir(dirname(to), { recursive: true });
  await move(place, to);
  return { folder: to, ...head, bytes: databaseBytes(to) };
}

async function copyChecked(options: BackupOptions, place: string): Promise<Pick<Store, 'head'>> {
  for (let tries = 1; ; tries += 1) {
    await copy(options);
    try {
      const store = await openStore(storeOptions(options, place));
      const { head } = store;
      await store.close();
      return { head };
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'damaged' || tries >= TRIES) throw error;
    }
  }
}

/** Asks the node; when none runs, its folder is free. */
async function copy(options: BackupOptions): Promise<void> {
  try {
    await createClient(options.url, { timeoutMs: TIMEOUT_MS }).call('chain.backup', {});
  } catch (error) {
    if (!(error instanceof RpcError) || error.word !== 'unreachable') throw error;
    const store = await openStore(storeOptions(options, options.path));
    await store.backup().finally(() => store.close());
  }
}

function storeOptions({ chain }: BackupOptions, path: string) {
  return { path, chainId: chain.chainId, genesisState: chain.tip.state, create: false };
}

/** To another disk, bytes have to be copied. */
async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EXDEV') throw error;
    await cp(from, to, { recursive: true });
    await rm(from, { recursive: true });
  }
}
