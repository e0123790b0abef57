import { decodeCertificate } from '../chain/index.js';
import { openStore } from '../node/store/index.js';
import { createTestChain } from '../test/support/chain.js';

/** Validators of a history; all of them sign each certificate. */
export const HOSPITALS = 4;
/** Blocks on their way to disk while the next are made. */
const BLOCKS_AT_ONCE = 256;

/**
 * Writes a chain of small blocks into the folder of a store: `transactions` in each, but for one block in eight, which
 * is the empty one, as in a network of eight with a dead member. Keys, signatures, seeds, execution and certificates
 * are real; only agreement is left out. About 2 ms a block, most of it the seed's proof. Memory: does not grow.
 */
export async function writeHistory(path: string, heights: number, transactions: number): Promise<void> {
  const test = createTestChain({ hospitals: HOSPITALS });
  const { chainId, tip } = test.chain;
  const store = await openStore({ path, chainId, genesisState: tip.state, create: true });
  let writing: Promise<void>[] = [];
  while (test.tip.height < heights) {
    const { height } = test.tip;
    const calls = Array.from({ length: transactions }, (_, ahead) => {
      const args = { digest: new Uint8Array(32).fill(height & 255), memo: '' };
      return test.sign({ from: test.publisher, contract: 'anchor', method: 'put', args }, ahead);
    });
    const judged = height % 8 === 7 ? test.empty() : test.adopt(test.build(calls));
    const { chainId: _, ...certificate } = decodeCertificate(test.entries[0]!.certificate);
    writing.push(store.commit({ ...judged.executed, block: judged.block, hash: judged.hash, certificate }));
    test.entries.length = 0;
    test.blocks.length = 0;
    if (writing.length < BLOCKS_AT_ONCE) continue;
    await Promise.all(writing);
    writing = [];
  }
  await Promise.all(writing);
  await store.close();
}
