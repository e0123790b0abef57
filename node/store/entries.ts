import {
  bytes,
  bytesBetween,
  type Codec,
  decode,
  decodeReceipt,
  encode,
  encodeReceipt,
  type Infer,
  integer,
  limits,
  list,
  type Receipt,
  struct,
  uint,
} from '../../chain/index.js';

import { concatBytes, equalBytes, SHA256_BYTES, sha256 } from '../../crypto/index.js';

/**
 * The entries of a chain folder, by key. Keys are text, heights have 16 digits so that they sort as numbers.
 *
 *   format                      FORMAT
 *   chain                       chain id, 32 bytes
 *   head                        {height, hash} of the last committed block
 *   block/HEIGHT                encoded block (header and body)
 *   certificate/HEIGHT          SHA-256 of the encoded certificate, and it: no hash of the chain covers it
 *   receipts/HEIGHT             list of encoded receipts
 *   height/HASH                 height of a block
 *   transaction/HASH            {height, index}
 *   state/KEY                   a state value
 *   ring/ROOT                   a ring that drew committees, as the state held it: light clients ask for old ones
 *   payload/ID                  payload bytes
 *   held/ID                     size of that payload: answers "held?" without reading megabytes
 *   writes                      how many batches there were, this one included
 *   journal                     {generation, frames}: how far the journal was on disk by the last commit
 *
 * What binds this node's votes is not here but in the journal beside it (journal.ts).
 */
export const FORMAT = 2;

/** 2^53 − 1 has so many. */
const HEIGHT_DIGITS = 16;

export const key = {
  format: 'format',
  chain: 'chain',
  head: 'head',
  writes: 'writes',
  journal: 'journal',
  block: (height: number): string => `block/${digits(height)}`,
  certificate: (height: number): string => `certificate/${digits(height)}`,
  receipts: (height: number): string => `receipts/${digits(height)}`,
  height: (hash: string): string => `height/${hash}`,
  transaction: (hash: string): string => `transaction/${hash}`,
  state: (name: string): string => `state/${name}`,
  ring: (root: string): string => `ring/${root}`,
  payload: (id: string): string => `payload/${id}`,
  held: (id: string): string => `held/${id}`,
} as const;

/** All keys that begin with `prefix`, which ends in '/': '0' is the character after it. */
export function rangeOf(prefix: `${string}/`): { readonly gte: string; readonly lt: string } {
  return { gte: prefix, lt: `${prefix.slice(0, -1)}0` };
}

export const formatCodec = uint;
export const headCodec = struct({ height: uint, hash: bytes(32) });
export const placeCodec = struct({
  height: uint,
  index: integer(0, limits.transactionsPerBlockMax - 1),
});
export const stampCodec = struct({ generation: uint, frames: uint });
export type Head = Infer<typeof headCodec>;

/** Entries of a few bytes: indices, head, counts. */
const SMALL_BYTES_MAX = 128;

export function decodeSmall<T>(codec: Codec<T>, raw: Uint8Array): T {
  return decode(codec, raw, SMALL_BYTES_MAX);
}

/** The bytes behind their SHA-256, so that an altered one shows. */
export function seal(raw: Uint8Array): Uint8Array {
  return concatBytes(sha256(raw), raw);
}

/** What was sealed, or null if it was altered. */
export function unseal(sealed: Uint8Array): Uint8Array | null {
  const raw = sealed.subarray(SHA256_BYTES);
  return equalBytes(sha256(raw), sealed.subarray(0, SHA256_BYTES)) ? raw : null;
}

/** One receipt for the block's beginning and one for each transaction. */
const RECEIPTS_MAX = limits.transactionsPerBlockMax + 1;
const receiptListCodec = list(bytesBetween(1, limits.receiptBytesMax), RECEIPTS_MAX);
const RECEIPT_LIST_BYTES_MAX = RECEIPTS_MAX * (limits.receiptBytesMax + 8);

export function encodeReceipts(receipts: readonly Receipt[]): Uint8Array {
  return encode(receiptListCodec, receipts.map(encodeReceipt));
}

/** The encoded receipts, which the receipts root is over. Throws DecodeError. */
export function splitReceipts(raw: Uint8Array): readonly Uint8Array[] {
  return decode(receiptListCodec, raw, RECEIPT_LIST_BYTES_MAX);
}

export function decodeReceipts(raw: Uint8Array): readonly Receipt[] {
  return splitReceipts(raw).map(decodeReceipt);
}

/** The height in a key of the form `name/HEIGHT...`. */
export function heightOfKey(name: string): number {
  const start = name.indexOf('/') + 1;
  return Number(name.slice(start, start + HEIGHT_DIGITS));
}

function digits(height: number): string {
  return height.toString().padStart(HEIGHT_DIGITS, '0');
}
