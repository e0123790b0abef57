import {
  encodeReceipt,
  encodeTransaction,
  merkleProver,
  proveState,
  type Receipt,
  type StateTree,
  type Transaction,
  treeGet,
} from '../../chain/index.js';
import type { LeafProof, StateEntry, TransactionProof } from './messages.js';

/** Shows transaction `index` of a block, and its receipt (`receipts[0]` is the block's own beginning). Cost: both trees. */
export function proveTransaction(
  transactions: readonly Transaction[],
  receipts: readonly Receipt[],
  index: number,
): TransactionProof {
  return {
    transaction: proveLeaf(transactions.map(encodeTransaction), index),
    receipt: proveLeaf(receipts.map(encodeReceipt), index + 1),
  };
}

/** What the state says of a key: its value, or that it has none. Any text that the bounds allow is a key. */
export function proveEntry(state: StateTree, key: string): StateEntry {
  return { key, value: treeGet(state, key), proof: proveState(state, key) };
}

function proveLeaf(leaves: readonly Uint8Array[], index: number): LeafProof {
  return { leaf: leaves[index]!, index, count: leaves.length, path: merkleProver(leaves)(index) };
}
