import {
  DecodeError,
  decodeReceipt,
  decodeTransaction,
  type Receipt,
  type StateReader,
  type Transaction,
  transactionHash,
  tryDecode,
  verifyMerkleProof,
  verifyStateProof,
} from '../../chain/index.js';
import { equalBytes } from '../../crypto/index.js';
import { type LightRefusal, refused } from './fault.js';
import type { ProvedBlock } from './follow.js';
import {
  type LeafProof,
  STATE_ENTRY_BYTES_MAX,
  stateEntryCodec,
  TRANSACTION_PROOF_BYTES_MAX,
  transactionProofCodec,
} from './messages.js';

/** A transaction that a block holds, and what became of it. */
export interface IncludedTransaction {
  readonly ok: true;
  readonly transaction: Transaction;
  readonly hash: Uint8Array;
  readonly receipt: Receipt;
}

/**
 * Whether the block holds a transaction, and with which receipt. `raw`: an encoded `TransactionProof`.
 *
 * It does not prove the place among the others: the roots of the lists do not commit to their lengths, and an audit
 * path fits several places of lists of several lengths.
 * Fails with "malformed", "not-in-block", "wrong-receipt". Cost: about 20 hashes.
 */
export function verifyTransactionProof(
  { header }: ProvedBlock,
  raw: Uint8Array,
): IncludedTransaction | LightRefusal {
  const decoded = tryDecode(transactionProofCodec, raw, TRANSACTION_PROOF_BYTES_MAX);
  if (!decoded.ok) return refused('malformed', decoded.error.message);
  const { transaction: own, receipt: result } = decoded.value;
  if (!isLeaf(header.transactionsRoot, own))
    return refused('not-in-block', `block ${header.height} does not hold this transaction`);
  if (!isLeaf(header.receiptsRoot, result))
    return refused('not-in-block', `block ${header.height} does not hold this receipt`);
  const transaction = readOrNull(() => decodeTransaction(own.leaf));
  const receipt = readOrNull(() => decodeReceipt(result.leaf));
  if (transaction === null || receipt === null)
    return refused('malformed', `block ${header.height} holds something else there`);
  const hash = transactionHash(transaction);
  if (receipt.transaction === null || !equalBytes(receipt.transaction, hash))
    return refused('wrong-receipt', 'the receipt is another transaction’s');
  return { ok: true, transaction, hash, receipt };
}

/**
 * The part of a block's state that was shown to be so, for contracts' own readers: `ledgerCell.get(state, …)`.
 *
 * `keys`: what was asked for, at most `ENTRIES_MAX`; `raws`: an encoded `StateEntry` for each, in their order. Of any
 * other key nothing is known, and asking for it is a bug: "not there" would be a claim.
 * Fails with "too-many", "malformed", "wrong-key", "not-in-state". Cost: about log2(n) hashes an entry.
 */
export function provedState(
  { header }: ProvedBlock,
  keys: readonly string[],
  raws: readonly Uint8Array[],
): { readonly ok: true; readonly state: StateReader } | LightRefusal {
  if (keys.length > ENTRIES_MAX) return refused('too-many', `${keys.length} keys at once`);
  if (raws.length !== keys.length)
    return refused('wrong-key', `${raws.length} entries for ${keys.length} keys`);
  const known = new Map<string, Uint8Array | null>();
  for (const [i, raw] of raws.entries()) {
    const decoded = tryDecode(stateEntryCodec, raw, STATE_ENTRY_BYTES_MAX);
    if (!decoded.ok) return refused('malformed', decoded.error.message);
    const { key, value, proof } = decoded.value;
    if (key !== keys[i]) return refused('wrong-key', `this is about ${key}`);
    if (!verifyStateProof({ root: header.stateRoot, key, value, proof }))
      return refused('not-in-state', `the state after block ${header.height} does not say so of ${key}`);
    known.set(key, value);
  }
  const get = (key: string): Uint8Array | null => {
    const value = known.get(key);
    if (value === undefined) throw new Error(`bug: nothing was proved about ${key}`);
    return value;
  };
  return { ok: true, state: { get } };
}

/** A device's whole budget: its count of ledgers and 64 of them, the most that a device may declare. */
export const ENTRIES_MAX = 65;

function isLeaf(root: Uint8Array, { leaf, index, count, path }: LeafProof): boolean {
  return verifyMerkleProof({ root, leaf, index, count, proof: path });
}

/** Null for what does not decode: no block of this chain has it, but a forged one might. */
function readOrNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}
