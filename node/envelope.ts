import { decodeTransaction, encodeTransaction, limits, type Transaction } from '../chain/index.js';
import { joinBatch, splitBatch } from '../net/index.js';

/**
 * Payload bytes that travel with their transaction, at most. A peer that gets them so need not ask for them: pulling
 * an update of a few bytes costs more than everything else about it. Larger ones are announced and pulled.
 */
export const CARRIED_BYTES_MAX = 16 * 1024;

const parts = {
  messagesMax: 1 + limits.payloadsPerTransactionMax,
  messageBytesMax: Math.max(limits.transactionBytesMax, CARRIED_BYTES_MAX),
} as const;

/** Bounds of a batch of gossiped transactions; `messageBytesMax` is one of them with what it carries. */
export const transactionBatch = {
  messagesMax: 1_024,
  messageBytesMax: limits.transactionBytesMax + CARRIED_BYTES_MAX + 4 * parts.messagesMax,
  bytesMax: 512 * 1024,
  intervalMs: 50,
  bytesPerMs: 32,
} as const;

export interface Envelope {
  readonly transaction: Transaction;
  /** All of its payloads in their order, or none. Nothing about them is checked. */
  readonly payloads: readonly Uint8Array[];
}

/** A transaction as it is gossiped. `payloadOf` is asked only when all payloads may be carried. */
export function packEnvelope(
  transaction: Transaction,
  payloadOf: (id: Uint8Array) => Uint8Array | null,
): Uint8Array {
  const raw = encodeTransaction(transaction);
  const bytes = transaction.payloads.reduce((sum, { size }) => sum + size, 0);
  const payloads = bytes > CARRIED_BYTES_MAX ? [] : transaction.payloads.map(({ id }) => payloadOf(id));
  return joinBatch([raw, ...(payloads.includes(null) ? [] : (payloads as Uint8Array[]))]);
}

/** Throws NetError "malformed" or DecodeError. Cost: linear in the bytes. */
export function openEnvelope(envelope: Uint8Array): Envelope {
  const [raw, ...payloads] = splitBatch(envelope, parts);
  return { transaction: decodeTransaction(raw!), payloads };
}
