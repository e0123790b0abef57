import { bytesToHex, equalBytes, sha256, sign, verifySignature } from '../crypto/index.js';
import {
  anyNode,
  bytes,
  encode,
  formOf,
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
export const transactionCodec = formOf(
  tagged('consilium/transaction', 1, { ...fields, signature: bytes(64) }),
);
export type Transaction = Infer<typeof transactionCodec>;
export type UnsignedTransaction = Omit<Transaction, 'signature'>;

/** A transaction whose signature was checked, with its hash. Only `verifyTransaction` makes one. */
export interface VerifiedTransaction {
  readonly transaction: Transaction;
  readonly hash: Uint8Array;
  /** The hash in hex: the transaction's id. */
  readonly id: string;
  /** `from` in hex: what the state's entries of an account are named by. */
  readonly sender: string;
  readonly size: number;
  readonly verified: true;
}

/** Signs with the sender's secret (32-byte seed). The caller sees to it that `from` is its public key. */
export function signTransaction(unsigned: UnsignedTransaction, secret: Uint8Array): Transaction {
  return { ...unsigned, signature: sign(secret, encode(unsignedCodec, unsigned)) };
}

/** The bytes must not be changed: they are kept, for whoever needs them next. */
export function encodeTransaction(transaction: Transaction): Uint8Array {
  return transactionCodec.encode(transaction);
}

/**
 * How deep a transaction may nest: less than what stands around it in blocks and messages leaves of DEPTH_MAX.
 * With one that decodes alone but in no block, every leader that takes it would fail.
 */
const TRANSACTION_DEPTH_MAX = 10;

/** Throws DecodeError on anything but one canonical transaction of at most `transactionBytesMax` bytes. */
export function decodeTransaction(raw: Uint8Array): Transaction {
  return transactionCodec.decode(raw, limits.transactionBytesMax, TRANSACTION_DEPTH_MAX);
}

/** SHA-256 of the encoded transaction, signature included. */
export function transactionHash(transaction: Transaction): Uint8Array {
  const known = hashes.get(transaction);
  if (known !== undefined) return known;
  const hash = sha256(encodeTransaction(transaction));
  hashes.set(transaction, hash);
  return hash;
}

const hashes = new WeakMap<Transaction, Uint8Array>();

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
  const reason = transactionFault(transaction, chainId);
  if (reason !== null) return { ok: false, reason };
  return { ok: true, value: asVerified(transaction, encodeTransaction(transaction).length) };
}

/** What `verifyTransaction` finds wrong; null: nothing. For threads that check and hand on no more than that. */
export function transactionFault(transaction: Transaction, chainId: Uint8Array): TransactionFault | null {
  if (!equalBytes(transaction.chainId, chainId)) return 'wrong-chain';
  const encoded = encodeTransaction(transaction);
  if (encoded.length > limits.transactionBytesMax) return 'oversize';
  const isSigned = verifySignature(transaction.from, signedPart(encoded), transaction.signature);
  return isSigned ? null : 'bad-signature';
}

/** For `verifyTransaction`, and for an audit that leaves the signatures to other threads. */
export function asVerified(transaction: Transaction, size: number): VerifiedTransaction {
  const hash = transactionHash(transaction);
  const [id, sender] = [bytesToHex(hash), bytesToHex(transaction.from)];
  return { transaction, hash, id, sender, size, verified: true };
}

/** Tag, version, chain id and the fields; the signature as one more. */
const SIGNED_ITEMS = 3 + Object.keys(fields).length;
/** Head of a list of up to 23 items. */
const LIST_HEAD = 0x80;
/** A signature's head and bytes, the last of an encoded transaction. */
const SIGNATURE_ITEM_BYTES = 2 + 64;

/** The encoded transaction without its last field: what `encode(unsignedCodec, …)` makes, without making it again. */
function signedPart(encoded: Uint8Array): Uint8Array {
  // A copy, whatever kind of array it is: a Buffer's slice would be a view.
  const part = new Uint8Array(encoded.subarray(0, -SIGNATURE_ITEM_BYTES));
  part[0] = LIST_HEAD + SIGNED_ITEMS;
  return part;
}
