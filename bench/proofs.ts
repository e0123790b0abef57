import { encodeTransactionProof, proveTransaction } from '../audit/light/index.js';
import { createTestChain, type TestChain } from '../test/support/chain.js';
import { quietChain, rawStep } from '../test/support/light.js';
import type { Row } from './row.js';
import { stateProofs } from './stateTree.js';

const FULL_BLOCK = 512;

/** What a light client is sent: state proofs, a transaction with its receipt, a step of the chain. */
export function proofs(): readonly Row[] {
  const small = anchored(1);
  const full = anchored(FULL_BLOCK);
  const steps = [4, 20, 100].map((hospitals) => {
    // Points change by era, so the first step into one brings the ring along.
    const test = quietChain(9, hospitals, hospitals);
    const sizes = test.blocks.map((_, i) => rawStep(test, i + 1).length);
    return bytes(
      `proof: one light step, ${hospitals} validators`,
      Math.min(...sizes),
      `${Math.max(...sizes)} where it brings a new ring along`,
    );
  });
  return [
    ...stateProofs().map((row) => ({ ...row, name: `proof: state, ${row.name}` })),
    bytes('proof: a transaction and its receipt, alone in its block', transactionProof(small, 0)),
    bytes(`proof: the same in a block of ${FULL_BLOCK}`, transactionProof(full, FULL_BLOCK / 2)),
    ...steps,
  ];
}

function anchored(count: number): TestChain {
  const test = createTestChain();
  test.block(
    Array.from({ length: count }, (_, i) => {
      const args = { digest: new Uint8Array(32).fill(i & 255), memo: '' };
      return { from: test.publisher, contract: 'anchor', method: 'put', args };
    }),
  );
  return test;
}

function transactionProof({ blocks }: TestChain, index: number): number {
  const { block, executed } = blocks.at(-1)!;
  return encodeTransactionProof(proveTransaction(block.transactions, executed.receipts, index)).length;
}

function bytes(name: string, value: number, reference: string | null = null): Row {
  return { name, value, unit: 'bytes', goal: null, met: null, reference };
}
