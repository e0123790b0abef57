import { encode } from '../../chain/index.js';
import { bytesToHex, sha256, utf8ToBytes } from '../../crypto/index.js';
import { type Database, entriesOf, type Write } from './database.js';
import { heightOfKey, key, rangeOf, recordsCodec } from './entries.js';
import { damaged } from './error.js';
import { readSmall } from './reads.js';

export interface StoredRecord {
  readonly key: string;
  readonly value: Uint8Array;
}

/**
 * Agreement's own records, by height and key, kept in memory too.
 *
 * A lost record would let a node vote twice, and LevelDB can lose entries without a word. So each batch
 * also writes count and digest of all records there are; the digest is the XOR of the entries' hashes, which
 * a failing disk cannot hit by chance (nobody else can write here).
 */
export interface Records {
  readonly byHeight: Map<number, Map<string, Uint8Array>>;
  count: number;
  readonly digest: Uint8Array;
}

/** Reads all records and checks that none is missing. Throws StoreError 'damaged'. */
export async function loadRecords(database: Database): Promise<Records> {
  const records: Records = { byHeight: new Map(), count: 0, digest: new Uint8Array(32) };
  for await (const [name, value] of entriesOf(database, rangeOf('record/'))) {
    const height = heightOfKey(name);
    put(records, height, { key: name.slice(key.record(height, '').length), value });
  }
  const none = { count: 0, digest: new Uint8Array(32) };
  const stored = readSmall(database, key.records, recordsCodec) ?? none;
  if (stored.count !== records.count || bytesToHex(stored.digest) !== bytesToHex(records.digest)) {
    const found = `${records.count} of ${stored.count} own records found, or altered ones`;
    throw damaged(database.location, 'the records of agreement', found);
  }
  return records;
}

/** Adds the records; returns what to write. The same key again replaces its value. */
export function addRecords(
  records: Records,
  height: number,
  added: readonly StoredRecord[],
): readonly Write[] {
  for (const record of added) put(records, height, record);
  return [
    ...added.map(
      (record): Write => ({ type: 'put', key: key.record(height, record.key), value: record.value }),
    ),
    summary(records),
  ];
}

/** Removes the records of decided heights; returns what to write. */
export function dropRecords(records: Records, decided: number): readonly Write[] {
  const removed: Write[] = [];
  for (const [height, entries] of records.byHeight) {
    if (height > decided) continue;
    for (const [name, value] of entries) {
      toggle(records.digest, height, name, value);
      removed.push({ type: 'del', key: key.record(height, name) });
    }
    records.count -= entries.size;
    records.byHeight.delete(height);
  }
  return removed.length === 0 ? [] : [...removed, summary(records)];
}

/** The records of a height, sorted by key. */
export function recordsOf(records: Records, height: number): readonly StoredRecord[] {
  const found = [...(records.byHeight.get(height) ?? [])].map(([name, value]) => ({ key: name, value }));
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

function put(records: Records, height: number, record: StoredRecord): void {
  const entries = records.byHeight.get(height) ?? new Map<string, Uint8Array>();
  records.byHeight.set(height, entries);
  const before = entries.get(record.key);
  if (before === undefined) records.count += 1;
  else toggle(records.digest, height, record.key, before);
  const value = new Uint8Array(record.value);
  entries.set(record.key, value);
  toggle(records.digest, height, record.key, value);
}

function toggle(digest: Uint8Array, height: number, name: string, value: Uint8Array): void {
  const entry = sha256(sha256(utf8ToBytes(key.record(height, name))), value);
  for (let i = 0; i < digest.length; i += 1) digest[i]! ^= entry[i]!;
}

function summary(records: Records): Write {
  const value = encode(recordsCodec, { count: records.count, digest: records.digest });
  return { type: 'put', key: key.records, value };
}
