import { existsSync, readdirSync } from 'node:fs';
import { link, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { damaged, REPAIR_HINT, StoreError } from './error.js';
import { alteredTables } from './tables.js';

export type Database = ClassicLevel<string, Uint8Array>;
export type Write =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string };

/** What a repair adds to the folder's name until the new one takes its place. */
export const REPAIRED = '.repaired';

/** Opens the LevelDB folder, which one process holds at a time. Throws StoreError. */
export async function openDatabase(path: string, create: boolean): Promise<Database> {
  // LevelDB would make the folder and its lock before it notices that it may not.
  const exists = existsSync(join(path, 'CURRENT'));
  if (!exists) mustHoldNothing(path);
  if (!exists && !create) {
    throw new StoreError(
      'not-found',
      `there is no chain in ${path}; check the path, or initialise the node first`,
    );
  }
  if (!exists) await mkdir(path, { recursive: true });
  const [altered] = await alteredTables(path);
  if (altered !== undefined)
    throw (await isLocked(path)) ? locked(path) : damaged(path, altered, 'it is altered');
  const database: Database = new ClassicLevel(path, {
    keyEncoding: 'utf8',
    valueEncoding: 'view',
    createIfMissing: create,
  });
  try {
    await database.open();
  } catch (error) {
    throw openFailure(path, error);
  }
  return database;
}

/** Without its file CURRENT LevelDB begins anew and removes what else there is. */
function mustHoldNothing(path: string): void {
  if (existsSync(`${path}${REPAIRED}`)) throw damaged(path, 'the folder', 'a repair of it was cut short');
  const names = existsSync(path) ? readdirSync(path) : [];
  const data = names.find((name) => name.endsWith('.ldb') || name.endsWith('.log'));
  if (data !== undefined) throw damaged(path, 'the database', `CURRENT is missing, though there is ${data}`);
}

function openFailure(path: string, error: unknown): StoreError {
  const cause = (error as { cause?: unknown }).cause ?? error;
  const code = (cause as { code?: unknown }).code;
  if (code === 'LEVEL_LOCKED') return locked(path, cause);
  if (code === 'LEVEL_CORRUPTION') return damaged(path, 'the database', (cause as Error).message, cause);
  const message = `${path} cannot be opened: ${(cause as Error).message}; check permissions and free space, and if that is not it: ${REPAIR_HINT}`;
  return new StoreError('unreadable', message, { cause });
}

function locked(path: string, cause?: unknown): StoreError {
  const message = `${path} is in use by another process; stop that node first, or give this one a folder of its own`;
  return new StoreError('locked', message, { cause });
}

/**
 * Has another process the folder open? Asked of LevelDB in an empty folder that has the same file as its lock, since in
 * this one it would begin to read what is altered.
 */
async function isLocked(path: string): Promise<boolean> {
  const place = await mkdtemp(`${path}.lock-`);
  try {
    await link(join(path, 'LOCK'), join(place, 'LOCK'));
    const probe = new ClassicLevel(place);
    await probe.open();
    await probe.close();
    return false;
  } catch (error) {
    return (error as { cause?: { code?: unknown } }).cause?.code === 'LEVEL_LOCKED';
  } finally {
    await rm(place, { recursive: true, force: true });
  }
}

/** The value, or null. Synchronous: about 4 µs for a small one. Throws StoreError. */
export function read(database: Database, key: string): Uint8Array | null {
  try {
    const value = database.getSync(key);
    return value === undefined ? null : plain(value);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'LEVEL_DATABASE_NOT_OPEN') throw closed(database);
    throw damaged(database.location, key, 'the entry cannot be read', error);
  }
}

/** What is read at a time of a range. */
const READ_ENTRIES = 1_000;
const READ_BYTES = 4 * 1024 * 1024;

/**
 * Keys and values of a range, in the order of the keys, many at a time: asking for each alone costs more than reading
 * it. While one batch is looked at another thread reads the next. Values are views of larger memory: copy what is kept.
 */
export async function* batchesOf(
  database: Database,
  range: { readonly gte: string; readonly lt: string },
): AsyncGenerator<readonly (readonly [key: string, value: Buffer])[]> {
  const iterator = database.iterator({ ...range, highWaterMarkBytes: READ_BYTES });
  const read = (): Promise<readonly [string, Uint8Array][]> => {
    const batch = iterator.nextv(READ_ENTRIES);
    // Awaited below, or, when nobody wants more, not at all.
    batch.catch(() => {});
    return batch;
  };
  try {
    for (let ahead = read(); ; ) {
      const entries = await ahead.catch((error: unknown) => {
        throw damaged(database.location, `the entries from ${range.gte}`, 'they cannot be read', error);
      });
      if (entries.length === 0) return;
      ahead = read();
      // The library's values are Buffers, whatever it says.
      yield entries as unknown as readonly [string, Buffer][];
    }
  } finally {
    await iterator.close();
  }
}

/** The first key of a range, or null when it is empty. */
export async function firstKey(
  database: Database,
  range: { readonly gt?: string; readonly lt?: string },
): Promise<string | null> {
  try {
    const [key] = await database.keys({ ...range, limit: 1 }).all();
    return key ?? null;
  } catch (error) {
    throw damaged(database.location, 'the keys', 'they cannot be read', error);
  }
}

/** LevelDB goes on after a failed write, behind a torn entry in its log; a store must not. */
const failures = new WeakMap<Database, StoreError>();

/** Why the folder takes no writes: it is closed, or one has failed, and then every later one fails too. Else null. */
export function writeFault(database: Database): StoreError | null {
  if (database.status !== 'open') return closed(database);
  return failures.get(database) ?? null;
}

/** Throws what `writeFault` finds. */
export function mustTakeWrites(database: Database): void {
  const fault = writeFault(database);
  if (fault !== null) throw fault;
}

/** The failure of a write to this folder, which from now on takes no more. */
export function writeFailed(database: Database, error: unknown): StoreError {
  const message = `cannot write to ${database.location}: ${(error as Error).message}; free some space or check the disk, then start the node again`;
  const failure = new StoreError('write-failed', message, { cause: error });
  failures.set(database, failure);
  return failure;
}

/**
 * One atomic write of all these batches in their order: after a crash all of it is there, or nothing. On disk when the
 * promise resolves.
 */
export async function write(database: Database, batches: readonly (readonly Write[])[]): Promise<void> {
  mustTakeWrites(database);
  try {
    // A chained batch takes a quarter of the time of an array of operations.
    const chained = database.batch();
    for (const batch of batches) {
      for (const each of batch) {
        if (each.type === 'put') chained.put(each.key, each.value);
        else chained.del(each.key);
      }
    }
    await chained.write({ sync: true });
  } catch (error) {
    throw writeFailed(database, error);
  }
}

/** Above every key: the last code point there is. */
const KEYS_END = '\u{10ffff}';

/** Rewrites all tables. Throws StoreError 'unreadable' if one can't be read, or there is no space. */
export async function compactDatabase(database: Database): Promise<void> {
  if (database.status !== 'open') throw closed(database);
  try {
    await database.compactRange('', KEYS_END);
  } catch (error) {
    throw openFailure(database.location, error);
  }
}

function closed(database: Database): StoreError {
  return new StoreError('closed', `the store in ${database.location} is closed`);
}

/** The library returns Buffers, whose `slice` shares memory where that of a Uint8Array copies. */
function plain(value: Uint8Array): Uint8Array {
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
}
