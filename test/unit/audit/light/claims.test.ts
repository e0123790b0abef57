import { beforeAll, describe, expect, it } from 'vitest';
import {
  budgetKeys,
  budgetOf,
  ENTRIES_MAX,
  encodeStateEntry,
  encodeTransactionProof,
  type LightFault,
  type LightHead,
  type ProvedBlock,
  provedState,
  proveEntry,
  proveTransaction,
  roundKey,
  roundOf,
  type StateEntry,
  type TransactionProof,
  verdictOf,
  verifyTransactionProof,
} from '../../../../audit/light/index.js';
import { transactionHash } from '../../../../chain/index.js';
import { closedRoundCell, ledgerCell, modelCell } from '../../../../contracts/index.js';
import { bytesToHex, sha256 } from '../../../../crypto/index.js';
import {
  createTestChain,
  dataset,
  playRound,
  startTask,
  type TestChain,
  taskSpec,
  updateCall,
} from '../../../support/chain.js';
import { lightHeadAt } from '../../../support/light.js';

let test: TestChain;
let head: LightHead;
let block: ProvedBlock;
beforeAll(() => {
  test = createTestChain({ devicesEach: 1 });
  startTask(test, taskSpec());
  playRound(test);
  playRound(test);
  test.block([]);
  head = lightHeadAt(test, test.tip.height).head;
  block = head.block!;
}, 60_000);

/** Entries for the keys, changed on their way; `about` is what the client asked for. */
const state = (
  keys: readonly string[],
  change: (entry: StateEntry) => StateEntry = (entry) => entry,
  about = keys,
) =>
  provedState(
    block,
    about,
    keys.map((key) => encodeStateEntry(change(proveEntry(test.tip.state, key)))),
  );
const read = (keys: readonly string[]) => {
  const proved = state(keys);
  if (!proved.ok) throw new Error(proved.detail);
  return proved.state;
};
const reasonOf = (result: { readonly ok: true } | { readonly ok: false; readonly reason: LightFault }) =>
  result.ok ? null : result.reason;

/** The block whose transactions are round 1's updates. */
const updates = () =>
  test.blocks.find(({ block: { transactions } }) => transactions[0]?.method === 'update')!;
const proofOf = (index: number): TransactionProof =>
  proveTransaction(updates().block.transactions, updates().executed.receipts, index);
const updatesBlock = () => lightHeadAt(test, updates().tip.height).head.block!;

describe('an update', () => {
  it('is shown to be in its block, with its receipt', () => {
    const { transactions } = updates().block;
    expect(transactions.length).toBe(4);
    for (const [index, transaction] of transactions.entries()) {
      const shown = verifyTransactionProof(updatesBlock(), encodeTransactionProof(proofOf(index)));
      if (!shown.ok) throw new Error(shown.detail);
      expect(bytesToHex(shown.hash)).toBe(bytesToHex(transactionHash(transaction)));
      expect(shown.transaction).toEqual(transaction);
      expect(shown.receipt).toEqual(updates().executed.receipts[index + 1]);
      expect(shown.receipt.events[0]!.kind).toBe('update');
    }
  });

  it('is not shown by another block, nor by a path or receipt that is not its own', () => {
    const reason = (proof: TransactionProof, at = updatesBlock()) =>
      reasonOf(verifyTransactionProof(at, encodeTransactionProof(proof)));
    const proof = proofOf(1);
    expect(reason(proof)).toBeNull();
    expect(reason(proof, block)).toBe('not-in-block');
    expect(reason({ ...proof, receipt: proofOf(2).receipt })).toBe('wrong-receipt');
    const { transactions } = updates().block;
    const beginning = proveTransaction(transactions, updates().executed.receipts, 0).receipt;
    const own = proveTransaction(
      transactions,
      [updates().executed.receipts[0]!, ...updates().executed.receipts],
      0,
    );
    expect(beginning.index).toBe(1);
    expect(reason({ ...proof, receipt: { ...own.receipt, leaf: beginning.leaf } })).toBe('not-in-block');
    expect(reason({ ...proof, transaction: { ...proof.transaction, index: 2 } })).toBe('not-in-block');
    expect(
      reason({ ...proof, transaction: { ...proof.transaction, path: proof.transaction.path.slice(1) } }),
    ).toBe('not-in-block');
    expect(
      reason({ ...proof, transaction: { ...proof.transaction, leaf: proofOf(2).transaction.leaf } }),
    ).toBe('not-in-block');
    expect(reasonOf(verifyTransactionProof(updatesBlock(), new Uint8Array(40)))).toBe('malformed');
  });

  it('has its verdict in the state, and a device that sent none has none', () => {
    const closed = roundOf(read([roundKey(1, 1)]), 1, 1)!;
    expect(closed.status).toBe('closed');
    for (const device of test.devices) expect(verdictOf(closed, device.publicKey)!.qualified).toBe(true);
    expect(verdictOf(closed, test.publisher.publicKey)).toBeNull();
  });
});

describe('a round', () => {
  it('names the model that it ended with; one that has not ended is shown to be absent', () => {
    const shown = read([roundKey(1, 1), roundKey(1, 3), roundKey(2, 1)]);
    expect(roundOf(shown, 1, 1)).toEqual(closedRoundCell.get(test.state, 1, 1));
    expect(roundOf(shown, 1, 1)!.weights).not.toEqual(modelCell.get(test.state, 2));
    expect(roundOf(shown, 1, 3)).toBeNull();
    expect(roundOf(shown, 2, 1)).toBeNull();
  });
});

describe('a device’s budget', () => {
  it('is what its ledger says, and complete if all that it declared is there', () => {
    const device = bytesToHex(test.devices[0]!.publicKey);
    const datasets = [bytesToHex(dataset)];
    const budget = budgetOf(read(budgetKeys(device, datasets)), device, datasets);
    const ledger = ledgerCell.get(test.state, device, datasets[0]!)!;
    expect(budget).toEqual({ declared: 1, ledgers: [{ dataset: datasets[0], ledger }], complete: true });
    expect(ledger.charges).toBeGreaterThan(0);
    expect(budgetOf(read(budgetKeys(device, [])), device, []).complete).toBe(false);
    const others = [bytesToHex(sha256())];
    expect(budgetOf(read(budgetKeys(device, others)), device, others)).toMatchObject({
      ledgers: [],
      complete: false,
    });
  });

  it('of a device that declared nothing is empty, and shown to be', () => {
    const nobody = bytesToHex(test.publisher.publicKey);
    expect(budgetOf(read(budgetKeys(nobody, [])), nobody, [])).toEqual({
      declared: 0,
      ledgers: [],
      complete: true,
    });
  });
});

describe('the proved state', () => {
  const key = () => roundKey(1, 1);

  it('takes no value that is not the state’s, no denial of one, and none of a key without', () => {
    const other = proveEntry(test.tip.state, roundKey(1, 2));
    expect(reasonOf(state([key()], (entry) => ({ ...entry, value: other.value })))).toBe('not-in-state');
    expect(reasonOf(state([key()], (entry) => ({ ...entry, value: null })))).toBe('not-in-state');
    const renamed = (entry: StateEntry) => ({ ...entry, key: roundKey(1, 2) });
    expect(reasonOf(state([key()], renamed, [roundKey(1, 2)]))).toBe('not-in-state');
    const given = (entry: StateEntry) => ({ ...entry, value: new Uint8Array(3) });
    expect(reasonOf(state([roundKey(9, 9)], given))).toBe('not-in-state');
    // The absence of another key says nothing of this one.
    const denied = () => ({ ...proveEntry(test.tip.state, roundKey(9, 9)), key: key() });
    expect(reasonOf(state([key()], denied))).toBe('not-in-state');
    expect(reasonOf(state([key()]))).toBeNull();
  });

  it('is that after the block, not that of another height', () => {
    const entry = encodeStateEntry(proveEntry(test.tip.state, roundKey(1, 2)));
    const before = lightHeadAt(test, test.tip.height - 1).head.block!;
    expect(reasonOf(provedState(before, [roundKey(1, 2)], [entry]))).toBe('not-in-state');
    expect(reasonOf(provedState(block, [roundKey(1, 2)], [entry]))).toBeNull();
  });

  it('says nothing of keys that were not proved', () => {
    const shown = read([key()]);
    expect(() => shown.get(roundKey(1, 2))).toThrow(/bug/);
  });

  it('is about the keys that were asked for, all of them and in their order', () => {
    const keys = [roundKey(1, 1), roundKey(1, 2)];
    expect(reasonOf(state(keys, undefined, keys.toReversed()))).toBe('wrong-key');
    expect(reasonOf(state(keys.slice(1), undefined, keys))).toBe('wrong-key');
    expect(reasonOf(state(keys.slice(0, 1), undefined, keys))).toBe('wrong-key');
    expect(reasonOf(state(keys, undefined, keys.slice(1)))).toBe('wrong-key');
    expect(reasonOf(state(keys))).toBeNull();
  });

  it('is bounded', () => {
    expect(reasonOf(state(Array(ENTRIES_MAX).fill(key())))).toBeNull();
    expect(reasonOf(state(Array(ENTRIES_MAX + 1).fill(key())))).toBe('too-many');
    expect(reasonOf(provedState(block, ['a'], [new Uint8Array(2_000_000)]))).toBe('malformed');
  });
});

it('shows a refused transaction as refused', () => {
  const again = test.block([updateCall(test, test.devices[0]!, 1)]);
  const at = lightHeadAt(test, again.tip.height).head.block!;
  const raw = encodeTransactionProof(proveTransaction(again.block.transactions, again.executed.receipts, 0));
  const shown = verifyTransactionProof(at, raw);
  expect(shown.ok && shown.receipt.ok).toBe(false);
  expect(shown.ok && shown.receipt.code).toBe('already-submitted');
});
