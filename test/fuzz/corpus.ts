import { encodeTransactionProof, proveEntry, proveTransaction } from '../../audit/light/index.js';
import { encodeReceipt, encodeTransaction, encodeVote } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import {
  certVotes,
  createTestChain,
  playRound,
  startTask,
  type TestChain,
  taskSpec,
} from '../support/chain.js';
import { rawStart, rawStep } from '../support/light.js';

/** A played chain with training in it, and encodings of all that it is made of. */
export function createCorpus() {
  const test = createTestChain();
  startTask(test, taskSpec());
  playRound(test);
  test.empty();
  const transactions = test.blocks.flatMap(({ block }) => block.transactions);
  const { chainId } = test.chain;
  const votes = test.blocks
    .slice(0, 3)
    .flatMap(({ tip }) => certVotes(chainId, tip, tip.committee, test.secretOf).map(({ vote }) => vote));
  return {
    test,
    blocks: test.entries.map(({ block }) => block),
    certificates: test.entries.map(({ certificate }) => certificate),
    transactions: transactions.map(encodeTransaction),
    receipts: test.blocks.flatMap(({ executed }) => executed.receipts).map(encodeReceipt),
    votes: votes.map((vote) => encodeVote(chainId, vote)),
    payloads: test.entries.flatMap(({ payloads }) => payloads.filter((payload) => payload !== null)),
    steps: test.blocks.map(({ tip }) => rawStep(test, tip.height)),
    starts: test.blocks.map(({ tip }) => rawStart(test, tip.height)),
    entries: stateKeys(test).map((key) => proveEntry(test.tip.state, key)),
    transactionProofs: test.blocks.flatMap(({ block, executed }) =>
      block.transactions.map((_, index) =>
        encodeTransactionProof(proveTransaction(block.transactions, executed.receipts, index)),
      ),
    ),
    genesisText: new TextEncoder().encode(JSON.stringify(test.genesis)),
  };
}
export type Corpus = ReturnType<typeof createCorpus>;

function stateKeys(test: TestChain): readonly string[] {
  const device = bytesToHex(test.devices[0]!.publicKey);
  return [
    'params',
    'tasks/task/1',
    'training/closed/1/1',
    `privacy/declared/${device}`,
    'nothing',
    'nothing/else',
  ];
}
