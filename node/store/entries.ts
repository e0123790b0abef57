import { bytes, type Codec, decode, type Infer, struct, uint } from '../../chain/index.js';
import { FORMER_FORMAT } from './formerFormat.js';

/**
 * The entries of a chain folder, by key. Keys are text, heights have 16 digits so that they sort as numbers.
 *
 *   format                      FORMAT and its complement, a byte each: one altered bit is no other format
 *   chain                       chain id, 32 bytes
 *   base                        where it begins, if not at genesis: it was joined by a snapshot (snapshotBase.ts)
 *   head                        where the chain ends: height, hash, seal and index of the last height
 *   height/HEIGHT               block, certificate and receipts under a seal (heightEntry.ts)
 *   index/HASH                  where that block or transaction is (placeIndex.ts)
 *   state/KEY                   a state value
 *   ring/ROOT                   a ring that drew committees, as the state held it: light clients ask for old ones
 *   payload/ID                  payload bytes
 *   held/ID                     size of that payload: answers "held?" without reading megabytes
 *   pruned/ID                   a payload that is gone on purpose: its size under a seal (holdings.ts)
 *   loose/ID                    no block has announced that payload yet; empty
 *   writes                      how many batches there were, this one included
 *   journal                     {generation, frames}: how far the journal was on disk by the last commit
 *
 * What binds this node's votes is not here but in the journal beside it (journal.ts).
 */
export const FORMAT = 3;

/** The entry that says which format a folder has; every later format keeps this one. */
export function formatEntry(format: number): Uint8Array {
  return Uint8Array.of(format, 0xff - format);
}

/** What such an entry says; null: it is altered. Format 2 wrote the number alone. */
export function readFormatEntry(raw: Uint8Array): number | null {
  const [format = 0, complement = 0xff - format] = raw;
  const isFormer = raw.length === 1 && format === FORMER_FORMAT;
  return isFormer || (raw.length === 2 && complement === 0xff - format) ? format : null;
}

/** 2^53 − 1 has so many. */
const HEIGHT_DIGITS = 16;

export const key = {
  format: 'format',
  chain: 'chain',
  base: 'base',
  head: 'head',
  writes: 'writes',
  journal: 'journal',
  height: (height: number): string => `height/${digits(height)}`,
  index: (name: string): string => `index/${name}`,
  state: (name: string): string => `state/${name}`,
  ring: (root: string): string => `ring/${root}`,
  payload: (id: string): string => `payload/${id}`,
  held: (id: string): string => `held/${id}`,
  pruned: (id: string): string => `pruned/${id}`,
  loose: (id: string): string => `loose/${id}`,
} as const;

/** All keys that begin with `prefix`, which ends in '/': '0' is the character after it. */
export function rangeOf(prefix: `${string}/`): { readonly gte: string; readonly lt: string } {
  return { gte: prefix, lt: `${prefix.slice(0, -1)}0` };
}

const headFields = { height: uint, hash: bytes(32) };
export const headCodec = struct(headFields);
export type Head = Infer<typeof headCodec>;

/** Where the chain ends, with what the entry of its last height says of itself and of the index (heightEntry.ts). */
export const tailCodec = struct({ ...headFields, seal: bytes(32), indexed: uint, indexSum: uint });
export type Tail = Infer<typeof tailCodec>;

/** Before the first block. */
export function genesisTail(chainId: Uint8Array): Tail {
  return { height: 0, hash: chainId, seal: chainId, indexed: 0, indexSum: 0 };
}

export const stampCodec = struct({ generation: uint, frames: uint });

/** Entries of a few bytes: head, counts. */
const SMALL_BYTES_MAX = 128;

export function decodeSmall<T>(codec: Codec<T>, raw: Uint8Array): T {
  return decode(codec, raw, SMALL_BYTES_MAX);
}

/** The height in a key of the form `name/HEIGHT...`. */
export function heightOfKey(name: string): number {
  const start = name.indexOf('/') + 1;
  return Number(name.slice(start, start + HEIGHT_DIGITS));
}

function digits(height: number): string {
  return height.toString().padStart(HEIGHT_DIGITS, '0');
}
