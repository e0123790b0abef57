import type { VerifiedTransaction } from '../../chain/index.js';
import { decodeCertificate } from '../../chain/index.js';
import { buildBlock } from '../../consensus/index.js';
import { sha256, utf8ToBytes } from '../../crypto/index.js';
import { openStore } from '../../node/store/index.js';
import { createTestChain, type TestChain } from '../../test/support/chain.js';

/** Blocks of one transaction; always the same to the bit, so each process makes the genesis by itself. */
export function benchChain(): TestChain {
  return createTestChain({ devicesEach: 0 });
}

/**
 * Plays `heights` blocks of one transaction each into a chain folder: executed, sealed and certified by all four
 * validators. Seeds are made up and prove nothing, except that of the last block: nobody who joins checks another, and
 * their proofs would take several times as long as all the rest.
 */
export async function writeBenchChain(path: string, heights: number): Promise<void> {
  const test = benchChain();
  const { chainId, tip } = test.chain;
  const store = await openStore({ path, chainId, genesisState: tip.state, create: true });
  const args = { digest: new Uint8Array(32), memo: '' };
  for (let height = 1; height <= heights; height += 1) {
    const call = { from: test.publisher, contract: 'anchor', method: 'put', args };
    const transaction = test.sign(call);
    const judged = height === heights ? test.build([transaction]) : quick(test, height, transaction);
    test.adopt(judged);
    const { block, hash, executed } = test.blocks.pop()!;
    const { chainId: _, ...certificate } = decodeCertificate(test.entries.pop()!.certificate);
    await store.commit({ ...executed, block, hash, certificate });
  }
  await store.close();
}

function quick(test: TestChain, height: number, transaction: VerifiedTransaction) {
  const { rules } = test.chain;
  const draft = {
    time: test.tip.time + 10,
    leader: test.leader().publicKey,
    seed: sha256(utf8ToBytes(`seed ${height}`)),
    seedProof: new Uint8Array(80),
    parentVotes: test.parentVotes,
    candidates: [transaction],
  };
  return buildBlock(rules, test.tip, draft, test.closings(), test.payloadOf);
}
