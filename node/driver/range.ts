import {
  type Block,
  bytesWithin,
  CERTIFICATE_BYTES_MAX,
  type Certificate,
  DecodeError,
  decode,
  decodeBlock,
  decodeCertificate,
  encode,
  type Infer,
  integer,
  limits,
  list,
  struct,
  uint,
} from '../../chain/index.js';
import type { Store } from '../store/index.js';

/** Name of the protocol: "as many decided blocks from this height on as fit". */
export const RANGE_PROTOCOL = '/consilium/range/2';

const RANGE_BLOCKS_MAX = 256;
/** What is asked for at first, and at most; blocks above it travel alone. */
export const RANGE_BYTES_MIN = 256 * 1024;
export const RANGE_BYTES_MAX = 3 * 1024 * 1024;
export const RANGE_ANSWER_BYTES_MAX = RANGE_BYTES_MAX + limits.blockBytesMax + CERTIFICATE_BYTES_MAX;

const requestCodec = struct({ from: uint, bytesMax: integer(1, RANGE_BYTES_MAX) });
/** Views of the answer: at most two ranges are in hand, and a block is looked at or written soon. */
const entryCodec = struct({
  block: bytesWithin(1, limits.blockBytesMax),
  certificate: bytesWithin(1, CERTIFICATE_BYTES_MAX),
});
const rangeCodec = list(entryCodec, RANGE_BLOCKS_MAX);
/** An encoded block and certificate, as they rest in the store. */
export type RawEntry = Infer<typeof entryCodec>;
const decidedCodec = struct({ at: uint, from: uint, entry: entryCodec });

/** A decided block with its certificate; nothing in it is verified yet. */
export interface Certified {
  readonly block: Block;
  readonly certificate: Certificate;
}

export const REQUEST_BYTES_MAX = 64;

export function encodeRangeRequest(from: number, bytesMax: number): Uint8Array {
  return encode(requestCodec, { from, bytesMax });
}

/** Null: it is no such request. */
export function readRangeRequest(raw: Uint8Array): Infer<typeof requestCodec> | null {
  return readOrNull(() => decode(requestCodec, raw, REQUEST_BYTES_MAX));
}

/** The answer to a request: at least one block, if the store has it. */
export function rangeOf(
  store: Pick<Store, 'head' | 'blockBytes'>,
  { from, bytesMax }: Infer<typeof requestCodec>,
): Uint8Array {
  const range: RawEntry[] = [];
  let size = 0;
  for (let height = Math.max(1, from); height <= store.head.height; height += 1) {
    const entry = store.blockBytes(height);
    if (entry === null || range.length >= RANGE_BLOCKS_MAX) break;
    size += entry.block.length + entry.certificate.length;
    if (range.length > 0 && size > bytesMax) break;
    range.push(entry);
  }
  return encodeRange(range);
}

export function encodeRange(range: readonly RawEntry[]): Uint8Array {
  return encode(rangeCodec, range);
}

/** What an answer holds, not decoded yet. Null: it is no answer. */
export function readRange(answer: Uint8Array): readonly RawEntry[] | null {
  return readOrNull(() => decode(rangeCodec, answer, RANGE_ANSWER_BYTES_MAX));
}

/** Decodes an entry. Null: it is none. */
export function readEntry({ block, certificate }: RawEntry): Certified | null {
  return readOrNull(() => {
    const { height, period, hash, bitmap, signatures } = decodeCertificate(certificate);
    return { block: decodeBlock(block), certificate: { height, period, hash, bitmap, signatures } };
  });
}

/** Name of the protocol by which a node hands a decided block to a peer that still speaks of its height. */
export const DECIDED_PROTOCOL = '/consilium/decided/1';
export const DECIDED_BYTES_MAX = limits.blockBytesMax + CERTIFICATE_BYTES_MAX + 64;

/** `at`: where the sender stands; `from`: the height of the entry. */
export function encodeDecided(decided: Infer<typeof decidedCodec>): Uint8Array {
  return encode(decidedCodec, decided);
}

/** Null: it is no such message. */
export function readDecided(raw: Uint8Array): Infer<typeof decidedCodec> | null {
  return readOrNull(() => decode(decidedCodec, raw, DECIDED_BYTES_MAX));
}

function readOrNull<T>(read: () => T | null): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}
