import {
  type Codec,
  DecodeError,
  decode,
  decodeBlock,
  decodeCertificate,
  decodeReceipt,
  limits,
  payloadId,
} from '../../chain/index.js';
import { type RingSeat, ringCodec } from '../../consensus/index.js';
import { bytesToHex, equalBytes } from '../../crypto/index.js';
import type { StoredBlock } from './commit.js';
import { type Database, read } from './database.js';
import { decodeSmall, key } from './entries.js';
import { damaged } from './error.js';
import { type HeightEntry, openHeightEntry } from './heightEntry.js';
import { BLOCK, indexName, type Place, readPlace } from './placeIndex.js';

/** What there is of a height, or null above the head. Its seal is checked: the disk may have altered it since. */
export function readHeight(database: Database, height: number): HeightEntry | null {
  const raw = read(database, key.height(height));
  if (raw === null) return null;
  const entry = openHeightEntry(raw);
  if (entry === null) throw damaged(database.location, `height ${height}`, 'it is altered');
  return entry;
}

export function readBlock(database: Database, height: number): StoredBlock | null {
  const entry = readHeight(database, height);
  if (entry === null) return null;
  return decoded(database, `height ${height}`, () => {
    const { chainId: _, ...certificate } = decodeCertificate(entry.certificate);
    const receipts = entry.receipts().map(decodeReceipt);
    return { block: decodeBlock(entry.block), hash: new Uint8Array(entry.hash), certificate, receipts };
  });
}

export function readRing(database: Database, root: Uint8Array): readonly RingSeat[] | null {
  const raw = read(database, key.ring(bytesToHex(root)));
  return raw === null
    ? null
    : decoded(database, 'a ring', () => decode(ringCodec, raw, limits.stateValueBytesMax));
}

/** Where a block or transaction is; null: not on this chain. */
export function readPlaceOf(
  database: Database,
  hash: Uint8Array,
  kind: 'block' | 'transaction',
): Place | null {
  const name = key.index(indexName(hash));
  const raw = read(database, name);
  if (raw === null) return null;
  const place = readPlace(raw);
  if (place === null) throw damaged(database.location, name, 'it is altered');
  return (place.index === BLOCK) === (kind === 'block') ? place : null;
}

/**
 * A payload that is held. The first time a process reads it, its bytes are checked against its id: the disk may
 * have altered them, and LevelDB checks no sums on reading. `checked` remembers which were.
 */
export function readPayload(database: Database, checked: Checked, id: Uint8Array): Uint8Array | null {
  const name = bytesToHex(id);
  if (read(database, key.held(name)) === null) return null;
  const bytes = present(database, key.payload(name));
  if (checked.has(name)) return bytes;
  if (bytes.length === 0 || !equalBytes(payloadId(bytes), id)) {
    throw damaged(database.location, `payload ${name}`, 'its bytes have another id');
  }
  checked.add(name);
  return bytes;
}

/** Ids, in hex, of payloads whose bytes this process has checked, or has written itself. Bounded. */
export interface Checked {
  has(id: string): boolean;
  add(id: string): void;
}

const CHECKED_MAX = 16_384;

export function createChecked(): Checked {
  const ids = new Set<string>();
  return {
    has: (id) => ids.has(id),
    add: (id) => {
      ids.add(id);
      if (ids.size > CHECKED_MAX) for (const [oldest] of ids.entries()) return void ids.delete(oldest);
    },
  };
}

/** A small entry, decoded; null if there is none. */
export function readSmall<T>(database: Database, name: string, codec: Codec<T>): T | null {
  const raw = read(database, name);
  return raw === null ? null : decoded(database, name, () => decodeSmall(codec, raw));
}

function present(database: Database, name: string): Uint8Array {
  const value = read(database, name);
  if (value === null) throw damaged(database.location, name, 'it is missing');
  return value;
}

function decoded<T>(database: Database, place: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof DecodeError) throw damaged(database.location, place, error.message, error);
    throw error;
  }
}
