import { bytesToHex, equalBytes, sha256, sign, verifySignature } from '../crypto/index.js';
import {
  anyNode,
  bytes,
  decode,
  encode,
  type Infer,
  integer,
  list,
  struct,
  tagged,
  text,
  uint,
} from './codec.js';
import { limits } from './limits.js';

/** A payload beside a transaction: the Merkle root over its chunks, and its size in bytes. */
export const payloadRefCodec = struct({ id: bytes(32), size: integer(1, limits.payloadBytesMax) });
export type PayloadRef = Infer<typeof payloadRefCodec>;

const fields = {
  level: integer(0, limits.levelMax),
  from: bytes(32),
  nonce: uint,
  contract: text(limits.nameBytesMax),
  method: text(limits.nameBytesMax),
  args: anyNode,
  payloads: list(payloadRefCodec, limits.payloadsPerTransactionMax),
};

const unsignedCodec = tagged('consilium/transaction', 1, fields);

/** A call of a contract's method, signed by `from` (Ed25519). `level` 0: not about a task. */
export const transactionCodec = tagged('consilium/transaction', 1, { ...fields, signature: bytes(64) });
export type Transaction = Infer<typeof transactionCodec>;
export type UnsignedTransaction = Omit<Transaction, 'signature'>;

/** A transaction whose signature was checked, with its hash. Only `verifyTransaction` makes one. */
export interface VerifiedTransaction {
  readonly transaction: Transaction;
  readonly hash: Uint8Array;
  readonly size: number;
  readonly verified: true;
}

/** Signs with the sender's secret (32-byte seed). The caller sees to it that `from` is its public key. */
export function signTransaction(unsigned: UnsignedTransaction, secret: Uint8Array): Transaction {
  return { ...unsigned, signature: sign(secret, encode(unsignedCodec, unsigned)) };
}

export function encodeTransaction(transaction: Transaction): Uint8Array {
  return encode(transactionCodec, transaction);
}

/**
 * How deep a transaction may nest: less than what stands around it in blocks and messages leaves of DEPTH_MAX.
 * With one that decodes alone but in no block, every leader that takes it would fail.
 */
const TRANSACTION_DEPTH_MAX = 10;

/** Throws DecodeError on anything but one canonical transaction of at most `transactionBytesMax` bytes. */
export function decodeTransaction(raw: Uint8Array): Transaction {
  return decode(transactionCodec, raw, limits.transactionBytesMax, TRANSACTION_DEPTH_MAX);
}

/** SHA-256 of the encoded transaction, signature included. */
export function transactionHash(transaction: Transaction): Uint8Array {
  return sha256(encodeTransaction(transaction));
}

/** Hex form of the hash, as people and the RPC name a transaction. */
export function transactionId(transaction: Transaction): string {
  return bytesToHex(transactionHash(transaction));
}

export type TransactionFault = 'wrong-chain' | 'bad-signature' | 'oversize';

/** Checks chain, size and signature; nonce, level and sender belong to execution, which knows the state. */
export function verifyTransaction(
  transaction: Transaction,
  chainId: Uint8Array,
): { ok: true; value: VerifiedTransaction } | { ok: false; reason: TransactionFault } {
  if (!equalBytes(transaction.chainId, chainId)) return { ok: false, reason: 'wrong-chain' };
  const encoded = encodeTransaction(transaction);
  if (encoded.length > limits.transactionBytesMax) return { ok: false, reason: 'oversize' };
  const { signature, ...unsigned } = transaction;
  if (!verifySignature(transaction.from, encode(unsignedCodec, unsigned), signature)) {
    return { ok: false, reason: 'bad-signature' };
  }
  return { ok: true, value: { transaction, hash: sha256(encoded), size: encoded.length, verified: true } };
}
