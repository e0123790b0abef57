/**
 * What the chain on disk costs: a commit of 512 transactions (two state entries and one receipt each), opening a chain
 * of many small blocks, and how much a folder grows.
 *
 * Run: npm run bench -- store [--blocks 60] [--heights 100000] [--rounds 20]. Folders lie in the system's temporary one.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  encode,
  encodeBlock,
  type StateTree,
  treeSet,
  uint,
  type VerifiedTransaction,
} from '../chain/index.js';
import { bytesToHex } from '../crypto/index.js';
import { databaseBytes, openStore, type Store } from '../node/store/index.js';
import { createTestChain, playRound, publicTask, startTask, updateBytes } from '../test/support/chain.js';
import { writeChain } from '../test/support/network.js';
import {
  type Account,
  account,
  ada,
  chainId,
  genesisState,
  makeCommit,
  type Parent,
  signed,
} from '../test/support/notesChain.js';
import { median, type Row } from './row.js';

const PER_BLOCK = 512;
/** Before these the code has hardly run. */
const WARM_UP_BLOCKS = 20;
/** Made before they are committed, so that what making them costs (signatures, garbage) falls apart from it. */
const BLOCKS_AT_ONCE = 10;
const COMMIT_GOAL_US = 40;
const OPEN_GOAL_S = 3;

export async function store(args: readonly string[]): Promise<readonly Row[]> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      blocks: { type: 'string', default: '60' },
      heights: { type: 'string', default: '100000' },
      rounds: { type: 'string', default: '20' },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), 'consilium-bench-store-'));
  try {
    return [
      ...(await fullBlocks(join(folder, 'full'), Number(values.blocks))),
      ...(await smallBlocks(join(folder, 'small'), Number(values.heights))),
      ...(await updates(join(folder, 'updates'), Number(values.rounds))),
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** CPU is that of the whole process, LevelDB's threads included. */
async function fullBlocks(path: string, blocks: number): Promise<readonly Row[]> {
  const accounts = Array.from({ length: PER_BLOCK }, (_, i) => account(`account ${i}`));
  const state = withMembers(accounts);
  const opened = await openStore({ path, chainId, genesisState: state, create: true });
  let parent: Parent = { height: 0, hash: chainId, state };
  const cpu: number[] = [];
  const wall: number[] = [];
  let [bytes, blockBytes] = [0, 0];
  for (let height = 0; height < WARM_UP_BLOCKS + blocks; height += BLOCKS_AT_ONCE) {
    const isMeasured = height >= WARM_UP_BLOCKS;
    if (height === WARM_UP_BLOCKS) bytes = await compactedBytes(opened, path);
    const commits = Array.from({ length: BLOCKS_AT_ONCE }, () => {
      const { commit, next } = makeCommit(parent, transactionsOf(accounts, parent.height));
      parent = next;
      // Whoever commits a block has proposed or decoded it, so its bytes are known.
      if (isMeasured) blockBytes += encodeBlock(commit.block).length;
      return commit;
    });
    for (const commit of commits) {
      const [begun, start] = [performance.now(), process.cpuUsage()];
      await opened.commit(commit);
      const used = process.cpuUsage(start);
      if (!isMeasured) continue;
      cpu.push((used.user + used.system) / PER_BLOCK);
      wall.push(performance.now() - begun);
    }
  }
  bytes = (await compactedBytes(opened, path)) - bytes;
  await opened.close();
  const transactions = cpu.length * PER_BLOCK;
  const each = median(cpu);
  const mean = cpu.reduce((sum, value) => sum + value, 0) / cpu.length;
  return [
    row('store: CPU of a commit, a transaction (p50)', each, 'µs', {
      goal: `<= ${COMMIT_GOAL_US} µs`,
      met: each <= COMMIT_GOAL_US,
      reference: `mean ${mean.toFixed(1)} µs`,
    }),
    row(`store: commit of ${PER_BLOCK} transactions, synced (p50)`, median(wall), 'ms'),
    row('store: growth, a transaction', bytes / transactions, 'bytes', {
      reference: `${(blockBytes / transactions).toFixed(0)} bytes of it in the block as it travels`,
    }),
  ];
}

/** A block of one transaction, over and over: the sort of chain that gets long. */
async function smallBlocks(path: string, heights: number): Promise<readonly Row[]> {
  const options = { path, chainId, genesisState: genesisState(), create: true };
  const written = await openStore(options);
  let parent: Parent = { ...written.head, state: written.state() };
  while (parent.height < heights) {
    const note = { name: `note ${parent.height % 64}`, text: 'x'.repeat(60) };
    const { commit, next } = makeCommit(parent, [signed(ada, { nonce: parent.height, args: note })]);
    await written.commit(commit);
    parent = next;
  }
  await written.close();
  const [begun, start] = [performance.now(), process.cpuUsage()];
  const opened = await openStore(options);
  const seconds = (performance.now() - begun) / 1_000;
  const used = process.cpuUsage(start);
  const bytes = await compactedBytes(opened, path);
  await opened.close();
  return [
    row(`store: opening ${heights} blocks, all of them checked`, seconds, 's', {
      goal: heights === 100_000 ? `<= ${OPEN_GOAL_S} s` : null,
      met: heights === 100_000 ? seconds <= OPEN_GOAL_S : null,
      reference: `${((used.user + used.system) / 1e6).toFixed(2)} s of CPU`,
    }),
    row('store: growth, a block of one transaction', bytes / heights, 'bytes'),
  ];
}

/** Four devices, a round each two blocks. What a round closes with (model, accumulator, verdicts) is shared out. */
export async function updates(path: string, rounds: number): Promise<readonly Row[]> {
  const test = createTestChain();
  startTask(test, publicTask({ rounds: rounds + 1 }));
  const payload = updateBytes(test, test.devices[0]!, 1).length;
  const before = await sizeOf(test, `${path}-before`);
  for (let round = 0; round < rounds; round += 1) playRound(test);
  const bytes = (await sizeOf(test, `${path}-after`)) - before;
  return [
    row(
      'store: growth, an update with its share of the round',
      bytes / rounds / test.devices.length,
      'bytes',
      {
        reference: `${payload} bytes of it the update itself`,
      },
    ),
  ];
}

async function sizeOf(test: ReturnType<typeof createTestChain>, path: string): Promise<number> {
  await writeChain(test, path);
  const { chainId: id, tip } = test.chain;
  const opened = await openStore({ path, chainId: id, genesisState: tip.state, create: false });
  try {
    return await compactedBytes(opened, path);
  } finally {
    await opened.close();
  }
}

async function compactedBytes(opened: Store, path: string): Promise<number> {
  await opened.compact();
  return databaseBytes(path);
}

function withMembers(accounts: readonly Account[]): StateTree {
  let tree: StateTree = null;
  for (const { key } of accounts) tree = treeSet(tree, `notes/member/${bytesToHex(key)}`, encode(uint, 1));
  return tree;
}

/** One note of each account: its nonce and the note are written. */
function transactionsOf(accounts: readonly Account[], height: number): readonly VerifiedTransaction[] {
  return accounts.map((from, i) =>
    // Text that does not compress.
    signed(from, { nonce: height, args: { name: `${height % 8}-${i}`, text: bytesToHex(from.key) } }),
  );
}

function row(
  name: string,
  value: number,
  unit: string,
  more: Partial<Pick<Row, 'goal' | 'met' | 'reference'>> = {},
): Row {
  return { name, value, unit, goal: null, met: null, reference: null, ...more };
}
