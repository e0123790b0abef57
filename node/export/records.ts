import type { ReplayBase } from '../../audit/index.js';
import {
  bytes,
  bytesBetween,
  decode,
  encode,
  type Infer,
  integer,
  limits,
  list,
  struct,
  tagged,
  text,
  uint,
} from '../../chain/index.js';

/*
 * What an export holds beside blocks, certificates and payload chunks. None of it is part of the chain: whoever reads
 * it compares it with what the chain says.
 */

const RECORD_BYTES_MAX = 2 * 1024 * 1024;
/** Entries go into one record up to here; a single value may be longer. */
const RECORD_BYTES = 256 * 1024;
const ENTRIES_MAX = 65_536;
const KEY_BYTES_MAX = 8_192;

/** Announces the place that a range builds on: block, certificate, so many records of state, then the payloads. */
const baseCodec = tagged('consilium/export-base', 1, {
  height: uint,
  parentSeed: bytes(32),
  records: integer(0, 1_000_000),
  payloads: list(integer(1, limits.payloadBytesMax), 65_536),
});
export type BaseRecord = Infer<typeof baseCodec>;

const stateCodec = tagged('consilium/export-state', 1, {
  entries: list(
    struct({ key: text(KEY_BYTES_MAX), value: bytesBetween(0, limits.stateValueBytesMax) }),
    ENTRIES_MAX,
  ),
});

/** Results of one block's closings that can be given: model, accumulator and optimizer state of each task that may be open. */
const MADE_MAX = 192;

/**
 * Stands before a block of which something is pruned at the source: the places of its payloads that are absent, how
 * many receipts follow (all of the block's, or none), and the sizes of what closings made behind them.
 */
const marksCodec = tagged('consilium/export-marks', 1, {
  absent: list(integer(0, limits.transactionsPerBlockMax * limits.payloadsPerTransactionMax), 8_192),
  receipts: integer(0, limits.transactionsPerBlockMax + 1),
  made: list(integer(1, limits.payloadBytesMax), MADE_MAX),
});
export type MarksRecord = Infer<typeof marksCodec>;

export const isBaseRecord = (record: Uint8Array): boolean => beginsWith(record, 'consilium/export-base');
export const isMarksRecord = (record: Uint8Array): boolean => beginsWith(record, 'consilium/export-marks');

/** A record's tag comes first, behind the heads of list and text. */
function beginsWith(record: Uint8Array, tag: string): boolean {
  return Buffer.from(record.subarray(0, tag.length + 4)).includes(tag);
}

export function encodeBase(chainId: Uint8Array, base: ReplayBase, records: number): Uint8Array {
  const { height, parentSeed } = base;
  const payloads = base.payloads.map(({ length }) => length);
  return encode(baseCodec, { chainId, height, parentSeed, records, payloads });
}

/** Throws DecodeError. */
export function decodeBase(record: Uint8Array): BaseRecord {
  return decode(baseCodec, record, RECORD_BYTES_MAX);
}

export function encodeState(
  chainId: Uint8Array,
  state: ReadonlyMap<string, Uint8Array>,
): readonly Uint8Array[] {
  const records: Uint8Array[] = [];
  let entries: { key: string; value: Uint8Array }[] = [];
  let size = 0;
  const flush = (): void => {
    if (entries.length > 0) records.push(encode(stateCodec, { chainId, entries }));
    entries = [];
    size = 0;
  };
  for (const [key, value] of state) {
    if (entries.length >= ENTRIES_MAX || size + value.length > RECORD_BYTES) flush();
    entries.push({ key, value });
    size += key.length + value.length;
  }
  flush();
  return records;
}

/** Throws DecodeError. */
export function decodeState(
  record: Uint8Array,
): readonly { readonly key: string; readonly value: Uint8Array }[] {
  return decode(stateCodec, record, RECORD_BYTES_MAX).entries;
}

export function encodeMarks(marks: MarksRecord): Uint8Array {
  return encode(marksCodec, marks);
}

/** Throws DecodeError. */
export function decodeMarks(record: Uint8Array): MarksRecord {
  return decode(marksCodec, record, RECORD_BYTES_MAX);
}
