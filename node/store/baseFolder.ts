import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { encode, type PayloadRef, payloadId, uint } from '../../chain/index.js';
import { bytesToHex, equalBytes } from '../../crypto/index.js';
import { type Binding, boundAt } from './binding.js';
import { ringWrites } from './commit.js';
import { type Database, openDatabase, read, type Write, write } from './database.js';
import { FORMAT, formatEntry, key, stampCodec, tailCodec } from './entries.js';
import { StoreError } from './error.js';
import { payloadWrites } from './holdings.js';
import { createJournal, syncFolder } from './journal.js';
import { readSmall } from './reads.js';
import { type Base, baseTail, encodeBase } from './snapshotBase.js';

/**
 * A chain folder that is being built from a snapshot, in a place of its own. It is no chain before `finish`, and takes
 * the folder's place only then. Everything throws StoreError.
 */
export interface BaseFolder {
  /** Synced, as are payloads. The entries are checked by then; each is given once. */
  putState(entries: Iterable<readonly [key: string, value: Uint8Array]>): Promise<void>;
  hasPayload(id: Uint8Array): boolean;
  payload(id: Uint8Array): Uint8Array | null;
  /** Throws 'wrong-payload' when the bytes have another id. */
  putPayload(id: Uint8Array, bytes: Uint8Array): Promise<void>;
  /** Makes it a chain that ends at its base, and puts it in the place of the folder. */
  finish(base: Omit<Base, 'payloads'>, payloads: readonly PayloadRef[]): Promise<void>;
  /** Gives up what is there so far. Without effect after `finish`. */
  discard(): Promise<void>;
}

/** No vote is known: none may be given before the network has told how far this node may have come. */
const VOTES_UNKNOWN: Binding = { abstention: { through: null }, height: 1, records: new Map() };

const buildPlace = (path: string): string => `${path}.joining`;
const formerPlace = (path: string): string => `${path}.before-joining`;

/**
 * Begins a folder from a snapshot beside `path`, where there is no chain yet or one without a block. `binding`: what
 * that one knows of this node's votes. What a join that was cut short left goes.
 */
export async function beginBaseFolder(
  path: string,
  chainId: Uint8Array,
  binding: Binding | null,
): Promise<BaseFolder> {
  const place = buildPlace(path);
  await rm(place, { recursive: true, force: true });
  const database = await openDatabase(place, true);
  const rings: Write[] = [];
  const hasPayload = (id: Uint8Array): boolean => read(database, key.held(bytesToHex(id))) !== null;
  return {
    putState: async (entries) => {
      const batch: Write[] = [];
      for (const [name, value] of entries) {
        batch.push({ type: 'put', key: key.state(name), value });
        rings.push(...ringWrites(name, value));
      }
      await write(database, [batch]);
    },
    hasPayload,
    payload: (id) => (hasPayload(id) ? read(database, key.payload(bytesToHex(id))) : null),
    putPayload: async (id, bytes) => {
      if (bytes.length === 0 || !equalBytes(payloadId(bytes), id))
        throw new StoreError(
          'wrong-payload',
          `these ${bytes.length} bytes are not payload ${bytesToHex(id)}`,
        );
      await write(database, [payloadWrites(bytesToHex(id), bytes)]);
    },
    finish: async (base, payloads) => {
      const head = { height: base.header.height, hash: base.hash };
      const votes = bindingOf(binding);
      createJournal(place, boundAt({ ...votes, head, writes: 0 }, head, 0));
      await writeChain(database, chainId, { ...base, payloads }, rings);
      await database.close();
      await takePlace(path);
    },
    discard: async () => {
      if (database.status !== 'open') return;
      await database.close();
      await rm(place, { recursive: true, force: true });
    },
  };
}

/** A former folder that knows of no votes may be as new as this one: that says nothing of the one before it. */
function bindingOf(former: Binding | null): Binding {
  if (former === null) return VOTES_UNKNOWN;
  const knowsNone = former.abstention === null || former.abstention.through === 0;
  return knowsNone ? { ...former, abstention: { through: null } } : former;
}

/** The last batch: with it the entries are a chain. */
async function writeChain(
  database: Database,
  chainId: Uint8Array,
  base: Base,
  rings: readonly Write[],
): Promise<void> {
  const entry = encodeBase(base);
  const batch: Write[] = [
    { type: 'put', key: key.format, value: formatEntry(FORMAT) },
    { type: 'put', key: key.chain, value: chainId },
    { type: 'put', key: key.base, value: entry },
    { type: 'put', key: key.head, value: encode(tailCodec, baseTail(base, entry)) },
    { type: 'put', key: key.writes, value: encode(uint, 1) },
    { type: 'put', key: key.journal, value: encode(stampCodec, { generation: 1, frames: 1 }) },
  ];
  await write(database, [rings, batch]);
}

/** The folder's place is free, or holds a chain without a block, which stays until the new one is there. */
async function takePlace(path: string): Promise<void> {
  if (existsSync(path)) await rename(path, formerPlace(path));
  await rename(buildPlace(path), path);
  syncFolder(dirname(path));
  await rm(formerPlace(path), { recursive: true, force: true });
}

/**
 * Puts in order what a join left that was cut short: before the new folder was in its place the former one comes back,
 * with what it knows of this node's votes. To be called before a node opens its folder.
 */
export async function settleJoin(path: string): Promise<void> {
  await rm(buildPlace(path), { recursive: true, force: true });
  if (!existsSync(formerPlace(path))) return;
  if (existsSync(path)) await rm(formerPlace(path), { recursive: true, force: true });
  else {
    await rename(formerPlace(path), path);
    syncFolder(dirname(path));
  }
}

/** How far the chain in a folder has come, without checking it; null: there is none. Throws StoreError. */
export async function heightIn(path: string): Promise<number | null> {
  try {
    const database = await openDatabase(path, false);
    try {
      return readSmall(database, key.head, tailCodec)?.height ?? null;
    } finally {
      await database.close();
    }
  } catch (error) {
    if (error instanceof StoreError && error.code === 'not-found') return null;
    throw error;
  }
}
