import { tryDecode, uint } from '../../chain/index.js';
import { bytesToHex, equalBytes } from '../../crypto/index.js';
import { type Database, read } from './database.js';
import { type Head, key, stampCodec } from './entries.js';
import { damaged } from './error.js';
import { type Bound, createJournal, type Journal, openJournal, type Stamp } from './journal.js';
import { readHeight, readSmall } from './reads.js';

/** What binds a node's votes, wherever its chain stands. */
export type Binding = Pick<Bound, 'abstention' | 'height' | 'records'>;

const THE_JOURNAL = 'the journal of its own votes';

/** A journal for a chain that begins. One that a cut creation left is replaced; one that knows more is not. */
export function beginJournal(database: Database, chainId: Uint8Array, binding: Binding | null): void {
  const folder = database.location;
  const left = openJournal(folder);
  if (typeof left !== 'string') {
    const { bound, stamp } = left;
    void left.close();
    // The first opening writes a second generation, after the database has begun.
    if (stamp.generation > 1) {
      throw damaged(
        folder,
        'the chain id',
        `it is missing, though ${THE_JOURNAL} knows height ${bound.head.height}`,
      );
    }
  } else if (left !== 'missing') throw damaged(folder, THE_JOURNAL, 'it is altered');
  const nothing: Binding = { abstention: null, height: 1, records: new Map() };
  createJournal(folder, { head: { height: 0, hash: chainId }, writes: 0, ...(binding ?? nothing) });
}

/**
 * Opens the journal and compares: whatever either of the two knows of the other must still be there. Returns the
 * journal and the number of the database's last batch. Throws StoreError 'damaged'.
 */
export function openBound(
  database: Database,
  head: Head,
): { readonly journal: Journal; readonly writes: number } {
  const folder = database.location;
  const journal = openJournal(folder);
  if (journal === 'missing') throw damaged(folder, THE_JOURNAL, 'it is missing');
  if (journal === 'cut-short') throw damaged(folder, THE_JOURNAL, 'it was cut short');
  if (journal === 'unreadable') throw damaged(folder, THE_JOURNAL, 'it is altered');
  try {
    return { journal, writes: compare(database, journal, head) };
  } catch (error) {
    void journal.close();
    throw error;
  }
}

function compare(database: Database, journal: Journal, head: Head): number {
  const folder = database.location;
  const { bound, stamp } = journal;
  const known = read(database, key.journal);
  const writes = readSmall(database, key.writes, uint);
  if (known === null || writes === null) {
    throw damaged(folder, 'the count of writes', 'it is missing');
  }
  if (isOlder(stamp, known)) throw damaged(folder, THE_JOURNAL, 'its last entries are lost');
  if (bound.head.height > head.height) {
    const lost = `the blocks ${head.height + 1} to ${bound.head.height} were on disk, and are lost`;
    throw damaged(folder, `height ${head.height + 1}`, lost);
  }
  if (bound.writes > writes) {
    throw damaged(
      folder,
      `height ${head.height + 1}`,
      `${bound.writes - writes} writes after the last block are lost`,
    );
  }
  return writes;
}

/** Whether a journal is older than the database knows it to have been. A stamp that can't be read says nothing. */
export function isOlder({ generation, frames }: Stamp, known: Uint8Array | null): boolean {
  const decoded = known === null ? null : tryDecode(stampCodec, known, 64);
  if (decoded?.ok !== true) return false;
  const { value } = decoded;
  return generation < value.generation || (generation === value.generation && frames < value.frames);
}

/** Asserts that the block which the journal knows is on the chain, which was checked by then. */
export function mustBeOnChain(database: Database, { height, hash }: Head, origin: Head): void {
  const found = readHeight(database, height)?.hash ?? origin.hash;
  if (equalBytes(found, hash)) return;
  const other = `${THE_JOURNAL} knows block ${bytesToHex(hash).slice(0, 16)} there`;
  throw damaged(database.location, `height ${height}`, other);
}

/** What holds when the chain stands at `head`: records of decided heights go, and so does an abstention that is over. */
export function boundAt(bound: Bound, head: Head, writes: number): Bound {
  const ahead = bound.height > head.height;
  const through = bound.abstention?.through ?? null;
  const over = bound.abstention === null || (through !== null && through <= head.height);
  return {
    head,
    writes,
    abstention: over ? null : bound.abstention,
    height: ahead ? bound.height : head.height + 1,
    records: ahead ? bound.records : new Map(),
  };
}
