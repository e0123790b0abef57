import { decodeBlock } from '../../chain/index.js';
import { bytesToHex, equalBytes } from '../../crypto/index.js';
import { type Database, read } from './database.js';
import { FORMAT, key, readFormatEntry, type Tail, tailCodec } from './entries.js';
import { damaged, REPAIR_HINT, StoreError } from './error.js';
import { FORMER_FORMAT } from './formerFormat.js';
import { readHeight, readSmall } from './reads.js';
import { openBase } from './snapshotBase.js';

/**
 * Asserts that the folder, whose entry names `chain`, holds the chain of `chainId`, in the format that this version
 * reads. Throws StoreError 'another-chain', 'another-format', 'former-format'; 'damaged' when it is the disk that has
 * altered the entry.
 */
export function mustBeOurs(database: Database, chain: Uint8Array, chainId: Uint8Array): void {
  const { location: path } = database;
  if (!equalBytes(chain, chainId)) {
    if (isOurs(database, chainId)) throw damaged(path, 'the chain id', 'it is altered');
    const message =
      `${path} belongs to another chain (${bytesToHex(chain).slice(0, 16)}, not ` +
      `${bytesToHex(chainId).slice(0, 16)}); use the genesis that this folder was made with, or another folder`;
    throw new StoreError('another-chain', message);
  }
  const raw = read(database, key.format);
  const format = raw === null ? null : readFormatEntry(raw);
  if (format === null) throw damaged(path, 'the format', 'it is missing or altered');
  if (format !== FORMAT) throw anotherFormat(path, format);
}

/** Does the end of the chain belong to this chain? One fault of a disk leaves it whole. */
function isOurs(database: Database, chainId: Uint8Array): boolean {
  try {
    const head: Tail | null = readSmall(database, key.head, tailCodec);
    if (head === null) return false;
    if (head.height === 0) return equalBytes(head.hash, chainId);
    const entry = readHeight(database, head.height);
    if (entry !== null) return equalBytes(decodeBlock(entry.block).header.chainId, chainId);
    // A folder that was joined and has not grown ends at its base.
    const raw = read(database, key.base);
    const base = raw === null ? null : openBase(raw);
    return base !== null && equalBytes(base.header.chainId, chainId);
  } catch {
    return false;
  }
}

function anotherFormat(path: string, format: number): StoreError {
  if (format === FORMER_FORMAT) {
    const message =
      `${path} was written by an older version, in format ${format}; ${REPAIR_HINT}: it executes the ` +
      `blocks again into a folder of format ${FORMAT}, and keeps the old one beside it`;
    return new StoreError('former-format', message);
  }
  const message =
    `${path} is of format ${format}, and this version reads ${FORMAT}: run the version that wrote it. ` +
    'Never begin anew in another folder: the node could vote a second time where it has voted';
  return new StoreError('another-format', message);
}
