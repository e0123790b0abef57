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

/** Six bits a character; 64: it is none of the alphabet. */
const SIX_BITS = Uint8Array.from({ length: 128 }, (_, code) => {
  const at = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'.indexOf(
    String.fromCharCode(code),
  );
  return at < 0 ? 64 : at;
});
/** Of a hash's name; eight of them are six bytes. */
const NAME_CHARACTERS = 24;

/**
 * As `indexSum`, of an entry as it lies in the database: `name` begins behind `from` characters of the key. Null: it is
 * no entry. Nothing is allocated: there are as many as blocks and transactions.
 */
export function sumOfEntry(sum: number, key: string, from: number, raw: Buffer): number | null {
  if (raw.length !== PLACE_BYTES || key.length !== from + NAME_CHARACTERS) return null;
  let three = 0;
  for (let at = from; at < key.length; at += 8) {
    let high = 0;
    let low = 0;
    for (let i = 0; i < 4; i += 1) {
      const [a, b] = [SIX_BITS[key.charCodeAt(at + i)] ?? 64, SIX_BITS[key.charCodeAt(at + 4 + i)] ?? 64];
      if (a > 63 || b > 63) return null;
      high = high * 64 + a;
      low = low * 64 + b;
    }
    three += high * 2 ** 24 + low;
  }
  return (sum + three + raw.readUIntBE(0, 6) + raw.readUInt16BE(6)) % SUM_END;
}
