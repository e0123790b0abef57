/**
 * The index: where a hash is on the chain. One small entry for each block and each transaction, by the first 18 bytes
 * of its hash (144 bits: nobody finds two alike), 8 bytes each: u48 height, u16 index in the block.
 *
 * Entries may be lost or altered without any hash of the chain telling. So each height keeps how many there were up to
 * it and a sum over them, and opening compares: no order, and one addition an entry.
 */
export interface Place {
  readonly height: number;
  /** Of a transaction in its block, or BLOCK. */
  readonly index: number;
}

/** Stands where a transaction's index would: the hash is that of a block. */
export const BLOCK = 0xffff;

const HASH_BYTES = 18;
export const PLACE_BYTES = 8;

/** The hash as it stands in a key: 24 characters. */
export function indexName(hash: Uint8Array): string {
  return Buffer.from(hash.buffer, hash.byteOffset, HASH_BYTES).toString('base64url');
}

/** Writes a place at `at`. */
export function writePlace(into: Buffer, at: number, { height, index }: Place): void {
  into.writeUIntBE(height, at, 6);
  into.writeUInt16BE(index, at + 6);
}

/** Null: these are no place. */
export function readPlace(raw: Uint8Array): Place | null {
  if (raw.length !== PLACE_BYTES) return null;
  const buffer = Buffer.from(raw.buffer, raw.byteOffset, PLACE_BYTES);
  return { height: buffer.readUIntBE(0, 6), index: buffer.readUInt16BE(6) };
}

const SUM_END = 2 ** 48;

/** The sum with one more entry: whole numbers below 2^48. */
export function indexSum(sum: number, hash: Uint8Array, { height, index }: Place): number {
  const buffer = Buffer.from(hash.buffer, hash.byteOffset, HASH_BYTES);
  const three = buffer.readUIntBE(0, 6) + buffer.readUIntBE(6, 6) + buffer.readUIntBE(12, 6);
  // Below 6 · 2^48, so exact.
  return (sum + three + height + index) % SUM_END;
}

/** The first bytes of the hash in a name of the index; null: it is none. */
export function hashOfName(name: string): Uint8Array | null {
  const hash = Buffer.from(name, 'base64url');
  return hash.length === HASH_BYTES ? hash : null;
}
