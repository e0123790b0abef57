import type { PayloadRef } from '../../chain/index.js';
import { equalBytes, SHA256_BYTES, sha256, sha256Text } from '../../crypto/index.js';

/** What a height's entry says. Byte strings are views of it. */
export interface HeightEntry {
  readonly seal: Uint8Array;
  /** The seal of the height before. */
  readonly previous: Uint8Array;
  /** Hash of the block. */
  readonly hash: Uint8Array;
  /** Entries of the index up to this height, and the sum over them (`indexSum`). */
  readonly indexed: number;
  readonly indexSum: number;
  /** What the block's transactions announce. */
  readonly payloads: readonly PayloadRef[];
  readonly block: Uint8Array;
  readonly certificate: Uint8Array;
  /** Encoded, as the receipts root is over them; cost: a view each. */
  receipts(): readonly Uint8Array[];
}

const PREVIOUS_AT = SHA256_BYTES;
const HASH_AT = PREVIOUS_AT + SHA256_BYTES;
const INDEXED_AT = HASH_AT + SHA256_BYTES;
const SUM_AT = INDEXED_AT + 6;
const PAYLOADS_AT = SUM_AT + 6;
const BLOCK_BYTES_AT = PAYLOADS_AT + 4;
const CERTIFICATE_BYTES_AT = BLOCK_BYTES_AT + 4;
const RECEIPTS_BYTES_AT = CERTIFICATE_BYTES_AT + 4;
const BODY_AT = RECEIPTS_BYTES_AT + 4;
const PAYLOAD_BYTES = SHA256_BYTES + 4;

/**
 * Everything about one height as one value: one write, one read, and one hash tells whether it is whole. Each names
 * the seal of the one before, so the last seal vouches for all. Big-endian.
 *
 *   0  32B  seal: SHA-256 over all that follows
 *  32  32B  seal of the height before; at height 1 the chain id
 *  64  32B  hash of the block
 *  96  u48  index entries up to here     102  u48  sum over them
 * 108  u32  payloads   112  u32  bytes of the block   116  u32  of the certificate   120  u32  of the receipts
 * 124       payloads (32B id, u32 size each), block, certificate, receipts (u32 length and bytes each)
 */
export function encodeHeightEntry(parts: {
  readonly previous: Uint8Array;
  readonly hash: Uint8Array;
  readonly indexed: number;
  readonly indexSum: number;
  readonly payloads: readonly PayloadRef[];
  readonly block: Uint8Array;
  readonly certificate: Uint8Array;
  readonly receipts: readonly Uint8Array[];
}): Uint8Array {
  const { previous, hash, payloads, block, certificate, receipts } = parts;
  const receiptBytes = receipts.reduce((sum, receipt) => sum + 4 + receipt.length, 0);
  const size = BODY_AT + payloads.length * PAYLOAD_BYTES + block.length + certificate.length + receiptBytes;
  const raw = Buffer.allocUnsafe(size);
  raw.set(previous, PREVIOUS_AT);
  raw.set(hash, HASH_AT);
  raw.writeUIntBE(parts.indexed, INDEXED_AT, 6);
  raw.writeUIntBE(parts.indexSum, SUM_AT, 6);
  raw.writeUInt32BE(payloads.length, PAYLOADS_AT);
  raw.writeUInt32BE(block.length, BLOCK_BYTES_AT);
  raw.writeUInt32BE(certificate.length, CERTIFICATE_BYTES_AT);
  raw.writeUInt32BE(receiptBytes, RECEIPTS_BYTES_AT);
  let at = BODY_AT;
  for (const { id, size: bytes } of payloads) {
    raw.set(id, at);
    at = raw.writeUInt32BE(bytes, at + SHA256_BYTES);
  }
  raw.set(block, at);
  raw.set(certificate, at + block.length);
  at += block.length + certificate.length;
  for (const receipt of receipts) {
    raw.set(receipt, raw.writeUInt32BE(receipt.length, at));
    at += 4 + receipt.length;
  }
  raw.set(sha256(raw.subarray(PREVIOUS_AT)));
  return new Uint8Array(raw.buffer, raw.byteOffset, size);
}

/**
 * What opening a chain asks of every entry, without opening it: its seal as a digest text; null: it was altered. Cost:
 * one SHA-256 over it, and next to no garbage: there are as many as heights.
 */
export function sealOf(raw: Buffer): string | null {
  if (raw.length < BODY_AT) return null;
  const seal = sha256Text(raw.subarray(PREVIOUS_AT));
  return holdsDigest(raw, 0, seal) ? seal : null;
}

/** Does it name this seal, a digest text, as that of the height before? */
export function isBehind(raw: Buffer, seal: string): boolean {
  return holdsDigest(raw, PREVIOUS_AT, seal);
}

export function hasPayloads(raw: Buffer): boolean {
  return raw.readUInt32BE(PAYLOADS_AT) > 0;
}

/** By character: quicker than to make a text of the bytes. */
function holdsDigest(raw: Buffer, at: number, digest: string): boolean {
  for (let i = 0; i < SHA256_BYTES; i += 1) if (raw[at + i] !== digest.charCodeAt(i)) return false;
  return true;
}

/** The entry, or null: it was altered. Cost: one SHA-256 over it. */
export function openHeightEntry(raw: Uint8Array): HeightEntry | null {
  const entry = looseHeightEntry(raw);
  return entry !== null && equalBytes(sha256(raw.subarray(PREVIOUS_AT)), entry.seal) ? entry : null;
}

/** What can be read of an entry whether or not it was altered; null: its lengths make no sense. */
export function looseHeightEntry(raw: Uint8Array): HeightEntry | null {
  if (raw.length < BODY_AT) return null;
  const buffer = Buffer.from(raw.buffer, raw.byteOffset, raw.length);
  const count = buffer.readUInt32BE(PAYLOADS_AT);
  const blockAt = BODY_AT + count * PAYLOAD_BYTES;
  const certificateAt = blockAt + buffer.readUInt32BE(BLOCK_BYTES_AT);
  const receiptsAt = certificateAt + buffer.readUInt32BE(CERTIFICATE_BYTES_AT);
  if (receiptsAt + buffer.readUInt32BE(RECEIPTS_BYTES_AT) !== raw.length) return null;
  return {
    seal: raw.subarray(0, SHA256_BYTES),
    previous: raw.subarray(PREVIOUS_AT, HASH_AT),
    hash: raw.subarray(HASH_AT, INDEXED_AT),
    indexed: buffer.readUIntBE(INDEXED_AT, 6),
    indexSum: buffer.readUIntBE(SUM_AT, 6),
    payloads: Array.from({ length: count }, (_, i) => {
      const at = BODY_AT + i * PAYLOAD_BYTES;
      return { id: raw.subarray(at, at + SHA256_BYTES), size: buffer.readUInt32BE(at + SHA256_BYTES) };
    }),
    block: raw.subarray(blockAt, certificateAt),
    certificate: raw.subarray(certificateAt, receiptsAt),
    receipts: () => {
      const receipts: Uint8Array[] = [];
      for (let at = receiptsAt; at + 4 <= raw.length; ) {
        const end = at + 4 + buffer.readUInt32BE(at);
        receipts.push(raw.subarray(at + 4, end));
        at = end;
      }
      return receipts;
    },
  };
}
