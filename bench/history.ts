import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { decodeCertificate } from '../chain/index.js';
import { quorumOf } from '../consensus/index.js';
import { openStore } from '../node/store/index.js';
import { createTestChain } from '../test/support/chain.js';

/** Validators of a history. */
export const HOSPITALS = 4;
/**
 * Cert votes in a certificate, and so in the parent votes of the next block: a node decides with the vote that makes a
 * quorum and stores the votes that it has by then (`commit` of the agreement machine), on a chain that is not idle no
 * more than these.
 */
const VOTES = quorumOf(HOSPITALS);
/** Blocks on their way to disk while the next are made. */
const BLOCKS_AT_ONCE = 256;

/**
 * Writes a chain of small blocks into the folder of a store: `transactions` in each, but for one block in eight, which
 * is the empty one, as in a network of eight with a dead member. Keys, signatures, seeds, execution and certificates
 * are real; only agreement is left out. Who is last with its vote, and is not in the certificate, changes with the
 * height. About 2 ms a block, most of it the seed's proof. Memory: does not grow.
 */
async function writeHistory(path: string, heights: number, transactions: number): Promise<void> {
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
    const first = (_: unknown, member: number) => (member + height) % HOSPITALS < VOTES;
    const judged = height % 8 === 7 ? test.empty(first) : test.adopt(test.build(calls), first);
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

/** A history in `folder`: the one that an earlier run left there, or a new one. */
export async function historyIn(folder: string, heights: number, transactions: number): Promise<string> {
  const history = join(folder, `history-${VOTES}-of-${HOSPITALS}-${heights}-${transactions}`);
  if (existsSync(history)) return history;
  // Under another name until it is whole: what a cut run left is not taken for one.
  rmSync(`${history}.new`, { recursive: true, force: true });
  await writeHistory(`${history}.new`, heights, transactions);
  renameSync(`${history}.new`, history);
  return history;
}
