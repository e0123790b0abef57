import {
  blockHash,
  type Codec,
  DecodeError,
  decode,
  decodeBlock,
  decodeCertificate,
  limits,
  payloadId,
} from '../../chain/index.js';
import { type RingSeat, ringCodec } from '../../consensus/index.js';
import { bytesToHex, equalBytes } from '../../crypto/index.js';
import type { StoredBlock } from './commit.js';
import { type Database, read } from './database.js';
import { decodeReceipts, decodeSmall, key, unseal } from './entries.js';
import { damaged } from './error.js';

/** Encoded block and certificate of a height, or null above the head. */
export function readBlockBytes(
  database: Database,
  height: number,
): { readonly block: Uint8Array; readonly certificate: Uint8Array } | null {
  const block = read(database, key.block(height));
  if (block === null) return null;
  const certificate = unseal(present(database, key.certificate(height)));
  if (certificate === null)
    throw damaged(database.location, `height ${height}`, 'the certificate is altered');
  return { block, certificate };
}

export function readBlock(database: Database, height: number): StoredBlock | null {
  const raw = readBlockBytes(database, height);
  if (raw === null) return null;
  return decoded(database, `height ${height}`, () => {
    const block = decodeBlock(raw.block);
    const { chainId: _, ...certificate } = decodeCertificate(raw.certificate);
    const receipts = decodeReceipts(present(database, key.receipts(height)));
    return { block, hash: blockHash(block.header), certificate, receipts };
  });
}

export function readRing(database: Database, root: Uint8Array): readonly RingSeat[] | null {
  const raw = read(database, key.ring(bytesToHex(root)));
  return raw === null
    ? null
    : decoded(database, 'a ring', () => decode(ringCodec, raw, limits.stateValueBytesMax));
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
