import {
  bytes,
  bytesBetween,
  DecodeError,
  decode,
  encode,
  type Infer,
  list,
  struct,
  tagged,
} from '../../chain/index.js';

/** What a task's sealed content may weigh, and how many may read it from the beginning. */
export const CONTENT_BYTES_MAX = 16_384;
export const READERS_MAX = 64;

/** The task key for one reader: HPKE (RFC 9180) to an X25519 key that its holder made for this task alone. */
export const wrapCodec = struct({ reader: bytes(32), enc: bytes(32), wrapped: bytes(48) });
export type KeyWrap = Infer<typeof wrapCodec>;

/**
 * Sealed content: a text under a task key, and that key wrapped for each reader. The chain keeps it and opens nothing.
 *
 * Wraps stand beside the ciphertext and name nothing but a key, so one more reader is one more wrap, in a transaction
 * of its own, and the ciphertext stays as it is.
 */
const contentCodec = tagged('consilium/sealed-content', 1, {
  ciphertext: bytesBetween(17, CONTENT_BYTES_MAX),
  wraps: list(wrapCodec, READERS_MAX),
});
export type SealedContent = Infer<typeof contentCodec>;

export function encodeContent(content: SealedContent): Uint8Array {
  return encode(contentCodec, content);
}

/** Null: it is none. */
export function decodeContent(raw: Uint8Array): SealedContent | null {
  try {
    return decode(contentCodec, raw, 2 * CONTENT_BYTES_MAX);
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}
