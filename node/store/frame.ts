import {
  bytesBetween,
  type Codec,
  DecodeError,
  decode,
  encode,
  type Infer,
  limits,
  list,
  nullable,
  struct,
  text,
  uint,
} from '../../chain/index.js';
import { equalBytes, SHA256_BYTES, sha256 } from '../../crypto/index.js';
import { headCodec } from './entries.js';

/** A frame begins at such a boundary, so that writing one never rewrites a sector that holds another. */
export const FRAME_ALIGN = 4096;
/** A generation fits: four blocks that were voted for, an own one, and the votes of a committee of hundreds. */
export const SLOT_BYTES = 8 * 1024 * 1024;

const RECORD_KEY_BYTES_MAX = 256;
/** A signed block is the largest record. */
export const RECORD_BYTES_MAX = limits.blockBytesMax + 8_192;
const RECORDS_MAX = 8_192;

const bodyCodec = struct({
  /** What the database held on disk when this frame was written: the last block, and how many writes. */
  head: headCodec,
  writes: uint,
  /** Not voting: up to `through`, or, while that is null, until the network has told how far. */
  abstention: nullable(struct({ through: nullable(uint) })),
  /** The height that the records are of. */
  height: uint,
  drop: list(text(RECORD_KEY_BYTES_MAX), RECORDS_MAX),
  put: list(
    struct({ key: text(RECORD_KEY_BYTES_MAX), value: bytesBetween(0, RECORD_BYTES_MAX) }),
    RECORDS_MAX,
  ),
});
export type FrameBody = Infer<typeof bodyCodec>;

export interface Frame {
  readonly generation: number;
  readonly index: number;
  readonly body: FrameBody;
  /** What it takes up, a multiple of FRAME_ALIGN. */
  readonly size: number;
}

const LENGTH_AT = SHA256_BYTES;
const INDEX_AT = LENGTH_AT + 4;
const GENERATION_AT = INDEX_AT + 4;
export const FRAME_HEADER_BYTES = GENERATION_AT + 8;

/**
 * One frame of the journal, big-endian, padded with zeros to a multiple of FRAME_ALIGN.
 *
 *   0  32B  SHA-256 over bytes 32 to the end of the body
 *  32  u32  body bytes
 *  36  u32  index in its generation: 0 says everything, later ones what is added
 *  40  u64  generation
 *  48       body, DAG-CBOR
 */
export function encodeFrame(generation: number, index: number, body: FrameBody): Uint8Array {
  const encoded = encode(bodyCodec as Codec<FrameBody>, body);
  const frame = new Uint8Array(sizeOf(encoded.length));
  const view = new DataView(frame.buffer);
  view.setUint32(LENGTH_AT, encoded.length);
  view.setUint32(INDEX_AT, index);
  view.setBigUint64(GENERATION_AT, BigInt(generation));
  frame.set(encoded, FRAME_HEADER_BYTES);
  frame.set(sha256(frame.subarray(LENGTH_AT, FRAME_HEADER_BYTES + encoded.length)));
  return frame;
}

/**
 * The frame at the start of what `read` gives, or null: nothing was written there, it was torn, or altered.
 * `read(at, length)` gives that many bytes, or fewer where there are no more.
 */
export function decodeFrame(read: (at: number, length: number) => Uint8Array): Frame | null {
  const header = read(0, FRAME_HEADER_BYTES);
  if (header.length < FRAME_HEADER_BYTES) return null;
  const view = new DataView(header.buffer, header.byteOffset, header.length);
  const length = view.getUint32(LENGTH_AT);
  if (length === 0 || FRAME_HEADER_BYTES + length > SLOT_BYTES) return null;
  const whole = read(0, FRAME_HEADER_BYTES + length);
  if (whole.length < FRAME_HEADER_BYTES + length) return null;
  if (!equalBytes(sha256(whole.subarray(LENGTH_AT)), whole.subarray(0, SHA256_BYTES))) return null;
  const generation = Number(view.getBigUint64(GENERATION_AT));
  const index = view.getUint32(INDEX_AT);
  try {
    const body = decode(bodyCodec as Codec<FrameBody>, whole.subarray(FRAME_HEADER_BYTES), SLOT_BYTES);
    return { generation, index, body, size: sizeOf(length) };
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}

function sizeOf(bodyBytes: number): number {
  return Math.ceil((FRAME_HEADER_BYTES + bodyBytes) / FRAME_ALIGN) * FRAME_ALIGN;
}
