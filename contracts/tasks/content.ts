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

/**
 * Sizes that a content is padded to before it is sealed, in bytes: a power of two, so that a ciphertext's size tells
 * no more than the order of magnitude. A content of another size is refused.
 */
export const CONTENT_BUCKETS = [1_024, 2_048, 4_096, 8_192, 16_384] as const;

/** The tag of ChaCha20-Poly1305. */
const TAG_BYTES = 16;

/** What a task's sealed content may weigh, and how many may read it from the beginning. */
export const CONTENT_BYTES_MAX = CONTENT_BUCKETS.at(-1)! + TAG_BYTES;
export const READERS_MAX = 64;

/** The smallest bucket that so many bytes fit into; null: they are too many. */
export function bucketOf(bytes: number): number | null {
  return CONTENT_BUCKETS.find((bucket) => bytes <= bucket) ?? null;
}

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
  ciphertext: bytesBetween(TAG_BYTES + 1, CONTENT_BYTES_MAX),
  wraps: list(wrapCodec, READERS_MAX),
});
export type SealedContent = Infer<typeof contentCodec>;

/** Was it padded to a bucket? */
export function isPadded({ ciphertext }: SealedContent): boolean {
  return CONTENT_BUCKETS.some((bucket) => ciphertext.length === bucket + TAG_BYTES);
}

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
