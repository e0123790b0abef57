import { encode, type PayloadRef, payloadId, uint } from '../../chain/index.js';
import { bytesToHex, concatBytes, equalBytes, hexToBytes, sha256, utf8ToBytes } from '../../crypto/index.js';
import { batchesOf, type Database, read, type Write } from './database.js';
import { decodeSmall, key, rangeOf } from './entries.js';
import { StoreError } from './error.js';
import { type Checked, readPayload } from './reads.js';
import type { Writer } from './writer.js';

/*
 * Which payloads are here, which were pruned on purpose, and which no block has announced yet ("loose").
 */

/** A payload and its id. */
export interface Payload {
  readonly id: Uint8Array;
  readonly bytes: Uint8Array;
}

/**
 * The payloads of a store. Removal is seen at once and written behind; what is put later comes after it. What a promise
 * resolved for is on disk.
 */
export interface Holdings {
  hasPayload(id: Uint8Array): boolean;
  /** The bytes, or null. Checked against the id when first read (0.75 ms a MiB). */
  payload(id: Uint8Array): Uint8Array | null;
  /** Throws StoreError 'wrong-payload', and stores nothing, when the bytes have another id. */
  putPayload(id: Uint8Array, bytes: Uint8Array): Promise<void>;
  /** The same for several, in one write: all of them or none. */
  putPayloads(payloads: readonly Payload[]): Promise<void>;
  /** Was it held, or announced by a block that was adopted without it, and is now gone on purpose? */
  isPruned(ref: PayloadRef): boolean;
  /** Removes payloads on purpose, in one write: marks say so, and the folder opens without them. Returns bytes that went. */
  prunePayloads(ids: readonly Uint8Array[]): Promise<number>;
  /** Removes those of them that no block has announced or made. Returns bytes that went. */
  dropLoose(ids: readonly Uint8Array[]): Promise<number>;
  /** Payloads that no block has announced or made, at most `max`. */
  loosePayloads(max: number): Promise<readonly Uint8Array[]>;
}

const MARK_TAG = utf8ToBytes('consilium/pruned');

/**
 * What stands for a pruned payload: its size, and a SHA-256 over chain, id and size. Damage cannot make one, so a
 * payload that is lost is not mistaken for one that was pruned.
 */
export function pruneMark(chainId: Uint8Array, { id, size }: PayloadRef): Write {
  return { type: 'put', key: key.pruned(bytesToHex(id)), value: markValue(chainId, id, size) };
}

export function isPrunedMark(
  get: (name: string) => Uint8Array | null,
  chainId: Uint8Array,
  { id, size }: PayloadRef,
): boolean {
  const raw = get(key.pruned(bytesToHex(id)));
  return raw !== null && equalBytes(raw, markValue(chainId, id, size));
}

function markValue(chainId: Uint8Array, id: Uint8Array, size: number): Uint8Array {
  const bytes = encode(uint, size);
  return concatBytes(sha256(concatBytes(MARK_TAG, chainId, id, bytes)), bytes);
}

/** A payload and the mark that it is held. `id` in hex. */
export function payloadWrites(id: string, bytes: Uint8Array): readonly Write[] {
  return [put(key.payload(id), bytes), put(key.held(id), encode(uint, bytes.length))];
}

/** What is announced by a block, or made by one, is loose no more. */
export function boundWrites(ids: Iterable<string>): readonly Write[] {
  return [...ids].map((id) => ({ type: 'del', key: key.loose(id) }));
}

export function createHoldings(
  database: Database,
  writer: Writer,
  checked: Checked,
  chainId: Uint8Array,
): {
  readonly holdings: Holdings;
  /** While blocks that announce or make these payloads are being written, nobody can take them for loose. */
  whileBinding(ids: readonly string[], write: () => Promise<void>): Promise<void>;
} {
  /** Of blocks on their way to the disk, where the marks still say "loose": how many blocks bind an id. */
  const binding = new Map<string, number>();
  /** Removed, but perhaps not on disk yet: how many removals of an id are under way. */
  const going = new Map<string, number>();

  const sizeOf = (name: string): number | null => {
    const raw = going.has(name) ? null : read(database, key.held(name));
    return raw === null ? null : decodeSmall(uint, raw);
  };

  const isNew = (name: string): boolean => sizeOf(name) === null && read(database, key.pruned(name)) === null;

  async function remove(
    names: readonly string[],
    marks: (name: string, size: number) => readonly Write[],
  ): Promise<number> {
    const found = names.flatMap((name) => {
      const size = sizeOf(name);
      return size === null ? [] : [{ name, size }];
    });
    if (found.length === 0) return 0;
    for (const { name } of found) going.set(name, (going.get(name) ?? 0) + 1);
    const writes = found.flatMap(({ name, size }) => [
      ...[key.payload(name), key.held(name), key.loose(name)].map(del),
      ...marks(name, size),
    ]);
    try {
      await writer.write(writes);
    } finally {
      for (const { name } of found) {
        const left = going.get(name)! - 1;
        if (left === 0) going.delete(name);
        else going.set(name, left);
      }
    }
    return found.reduce((sum, { size }) => sum + size, 0);
  }

  async function putPayloads(payloads: readonly Payload[]): Promise<void> {
    if (payloads.length === 0) return;
    const named = payloads.map(({ id, bytes }) => ({ id, bytes, name: bytesToHex(id) }));
    for (const { id, bytes, name } of named) {
      if (bytes.length > 0 && equalBytes(payloadId(bytes), id)) continue;
      throw new StoreError('wrong-payload', `these ${bytes.length} bytes are not payload ${name}`);
    }
    await writer.write(
      named.flatMap(({ name, bytes }) => [
        ...payloadWrites(name, bytes),
        // What a block has announced or made, and is held or was pruned, is not loose.
        ...(isNew(name) ? [put(key.loose(name), new Uint8Array(0))] : []),
      ]),
    );
    for (const { name } of named) checked.add(name);
  }

  const holdings: Holdings = {
    hasPayload: (id) => sizeOf(bytesToHex(id)) !== null,
    payload: (id) => (going.has(bytesToHex(id)) ? null : readPayload(database, checked, id)),
    putPayload: (id, bytes) => putPayloads([{ id, bytes }]),
    putPayloads,
    isPruned: (ref) =>
      sizeOf(bytesToHex(ref.id)) === null && isPrunedMark((name) => read(database, name), chainId, ref),
    prunePayloads: (ids) =>
      remove(ids.map(bytesToHex), (name, size) => [pruneMark(chainId, { id: hexToBytes(name), size })]),
    dropLoose: (ids) => {
      const names = [...new Set(ids.map(bytesToHex))];
      return remove(
        names.filter((name) => !binding.has(name) && read(database, key.loose(name)) !== null),
        () => [],
      );
    },
    loosePayloads: async (max) => {
      const found: Uint8Array[] = [];
      const prefix = rangeOf('loose/');
      for await (const batch of batchesOf(database, prefix)) {
        for (const [name] of batch.slice(0, max - found.length))
          found.push(hexToBytes(name.slice(prefix.gte.length)));
        if (found.length >= max) break;
      }
      return found;
    },
  };
  return {
    holdings,
    whileBinding: (ids, write) => counting(binding, ids, write),
  };
}

/** Does `act` with each id counted, as often as something under way names it. */
async function counting(
  counts: Map<string, number>,
  ids: readonly string[],
  act: () => Promise<void>,
): Promise<void> {
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  try {
    await act();
  } finally {
    for (const id of ids) {
      const left = counts.get(id)! - 1;
      if (left === 0) counts.delete(id);
      else counts.set(id, left);
    }
  }
}

function put(name: string, value: Uint8Array): Write {
  return { type: 'put', key: name, value };
}

function del(name: string): Write {
  return { type: 'del', key: name };
}
