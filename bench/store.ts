import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  encode,
  encodeBlock,
  type StateTree,
  treeSet,
  uint,
  type VerifiedTransaction,
} from '../chain/index.js';
import { bytesToHex } from '../crypto/index.js';
import { type Commit, openStore } from '../node/store/index.js';
import {
  type Account,
  account,
  chainId,
  makeCommit,
  type Parent,
  signed,
} from '../test/support/notesChain.js';
import type { Row } from './row.js';

const ACCOUNTS = 512;
const PER_BLOCK = 512;

export async function store(args: readonly string[]): Promise<readonly Row[]> {
  const blocks = Number(args[0] ?? 40);
  const accounts = Array.from({ length: ACCOUNTS }, (_, i) => account(`account ${i}`));
  const genesisState = withMembers(accounts);
  const folder = mkdtempSync(join(tmpdir(), 'bench-store-'));
  const path = join(folder, 'chain');
  const opened = await openStore({ path, chainId, genesisState, create: true });
  let parent: Parent = { height: 0, hash: chainId, state: genesisState };
  let cpu = 0;
  let wall = 0;
  for (let from = 0; from < blocks; from += 10) {
    const commits: Commit[] = [];
    for (let i = from; i < from + 10; i += 1) {
      const { commit, next } = makeCommit(parent, transactionsOf(accounts, parent.height));
      encodeBlock(commit.block); // whoever commits a block has proposed it, or decoded it
      commits.push(commit);
      parent = next;
    }
    const start = process.cpuUsage();
    const begun = performance.now();
    for (const commit of commits) await opened.commit(commit);
    if (from > 0) {
      const used = process.cpuUsage(start);
      cpu += used.user + used.system;
      wall += performance.now() - begun;
    }
  }
  await opened.close();
  rmSync(folder, { recursive: true, force: true });
  const transactions = (blocks - 10) * PER_BLOCK;
  return [
    {
      name: 'store: CPU of a commit, a transaction',
      value: cpu / transactions,
      unit: 'µs',
      goal: '<= 40',
      met: cpu / transactions <= 40,
      reference: null,
    },
    {
      name: 'store: a commit',
      value: wall / (blocks - 10),
      unit: 'ms',
      goal: null,
      met: null,
      reference: null,
    },
  ];
}

function withMembers(accounts: readonly Account[]): StateTree {
  let tree: StateTree = null;
  for (const { key } of accounts) tree = treeSet(tree, `notes/member/${bytesToHex(key)}`, encode(uint, 1));
  return tree;
}

/** One transaction of each account: a note, 300 bytes. */
function transactionsOf(accounts: readonly Account[], height: number): readonly VerifiedTransaction[] {
  return accounts
    .slice(0, PER_BLOCK)
    .map((from, i) =>
      signed(from, { nonce: height, args: { name: `${height % 8}-${i}`, text: 'x'.repeat(80) } }),
    );
}
