import { existsSync, readdirSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { type PayloadRef, payloadId } from '../../chain/index.js';
import { bytesToHex, equalBytes } from '../../crypto/index.js';
import { copyFiles } from './backup.js';
import { type Binding, isOlder } from './binding.js';
import { openDatabase, REPAIRED, read } from './database.js';
import { key } from './entries.js';
import { StoreError } from './error.js';
import { formerBlockBytes } from './formerFormat.js';
import { looseHeightEntry } from './heightEntry.js';
import { isPrunedMark } from './holdings.js';
import { type Bound, openJournal, syncFolder } from './journal.js';
import { alteredTables } from './tables.js';

/** What can still be read of a damaged folder. Nothing in it is believed: who takes it checks it. */
export interface Salvage {
  /** Encoded block, certificate and receipts (none of a former format), or null where either is lost. */
  blockBytes(height: number): SalvagedHeight | null;
  /** A payload whose bytes fit its id, or null. */
  payload(id: Uint8Array): Uint8Array | null;
  /** It was joined by a snapshot, so its first blocks never were here. */
  readonly joined: boolean;
  /** Whether a mark says that it was pruned; damage can't make one. */
  isPruned(ref: PayloadRef): boolean;
  /** What binds this node's votes from now on. */
  readonly binding: Binding;
  close(): Promise<void>;
}

export interface SalvagedHeight {
  readonly block: Uint8Array;
  readonly certificate: Uint8Array;
  readonly receipts: readonly Uint8Array[];
}

/** Votes are lost, and nobody knows at which heights. */
const UNKNOWN: Binding = { abstention: { through: null }, height: 1, records: new Map() };

/**
 * Opens what is left of a folder. A journal that is whole says exactly where this node voted last, and what:
 * it must not vote below that again, and goes on there. Else it votes nowhere until the network has told how far.
 * A database that cannot be opened gives nothing. Throws StoreError 'locked'.
 */
export async function openSalvage(path: string, chainId: Uint8Array): Promise<Salvage> {
  const whole = await wholeTables(path);
  const database = await openDatabase(whole, false).catch((error: unknown) => {
    if (error instanceof StoreError && error.code !== 'locked') return null;
    throw error;
  });
  const get = (name: string): Uint8Array | null => {
    if (database === null) return null;
    try {
      return read(database, name);
    } catch {
      return null;
    }
  };
  const journal = openJournal(path);
  let binding = UNKNOWN;
  if (typeof journal !== 'string') {
    if (!isOlder(journal.stamp, get(key.journal))) {
      binding = bindingAfter(journal.bound);
    }
    await journal.close();
  }
  return {
    blockBytes: (height) => {
      const raw = get(key.height(height));
      if (raw === null) {
        const former = formerBlockBytes(get, height);
        return former === null ? null : { ...former, receipts: [] };
      }
      const entry = looseHeightEntry(raw);
      return entry === null ? null : { ...entry, receipts: entry.receipts() };
    },
    isPruned: (ref) => isPrunedMark(get, chainId, ref),
    payload: (id) => {
      const bytes = get(key.payload(bytesToHex(id)));
      return bytes !== null && bytes.length > 0 && equalBytes(payloadId(bytes), id) ? bytes : null;
    },
    joined: get(key.base) !== null,
    binding,
    close: async () => {
      await database?.close();
      if (whole !== path) await rm(whole, { recursive: true, force: true });
    },
  };
}

/**
 * The folder itself, or, where tables in it are altered, a copy beside it without these, listed anew: LevelDB would
 * take them as if they were whole. What was in them alone is lost.
 */
async function wholeTables(path: string): Promise<string> {
  const altered = existsSync(path) ? await alteredTables(path) : [];
  if (altered.length === 0) return path;
  const place = `${path}.salvage`;
  copyFiles(path, place);
  for (const name of altered) await rm(join(place, name), { force: true });
  await ClassicLevel.repair(place).catch(() => undefined);
  return place;
}

/** Below the height of its records a node voted for what is decided; an earlier abstention holds on. */
function bindingAfter({ abstention, height, records }: Bound): Binding {
  const below = height - 1;
  if (abstention === null) return { abstention: { through: below }, height, records };
  const through = abstention.through === null ? null : Math.max(abstention.through, below);
  return { abstention: { through }, height, records };
}

/** Where a new folder is built before it takes a damaged one's place. What a cut repair left there goes. */
export async function clearBuildPlace(path: string): Promise<string> {
  const place = `${path}.repairing`;
  await rm(place, { recursive: true, force: true });
  if (existsSync(path)) await rm(`${path}${REPAIRED}`, { recursive: true, force: true });
  return place;
}

/**
 * Puts the folder that was built in its place; the damaged one stays beside it, under the name that is returned.
 * Cut short at any point, `finishSwap` ends it: a folder `.repaired` is complete.
 */
export async function swapFolders(path: string): Promise<string> {
  await rename(`${path}.repairing`, `${path}${REPAIRED}`);
  syncFolder(dirname(path));
  const taken = new Set(readdirSync(dirname(path)));
  let number = 1;
  while (taken.has(`${basename(path)}.damaged-${number}`)) number += 1;
  const aside = `${path}.damaged-${number}`;
  await rename(path, aside);
  await finishSwap(path);
  return aside;
}

/** Ends a swap that was cut short between its two renames. True: there was one. */
export async function finishSwap(path: string): Promise<boolean> {
  if (existsSync(path) || !existsSync(`${path}${REPAIRED}`)) return false;
  await rename(`${path}${REPAIRED}`, path);
  syncFolder(dirname(path));
  return true;
}
