import { strict as assert } from 'node:assert';
import { encode, type StateTree, StateVersions, treeEntries, uint } from '../../chain/index.js';
import type { RingSeat } from '../../consensus/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { copyDatabase } from './backup.js';
import { type Binding, beginJournal, boundAt, mustBeOnChain, openBound } from './binding.js';
import { buildState, checkChain, readStateEntries } from './check.js';
import { type Commit, checkCommits, commitWrites, type StoredBlock } from './commit.js';
import {
  compactDatabase,
  type Database,
  firstKey,
  mustTakeWrites,
  openDatabase,
  read,
  type Write,
  write,
  writeFailed,
  writeFault,
} from './database.js';
import {
  FORMAT,
  formatEntry,
  genesisTail,
  type Head,
  key,
  stampCodec,
  type Tail,
  tailCodec,
} from './entries.js';
import { damaged, StoreError } from './error.js';
import type { HeightEntry } from './heightEntry.js';
import { createHoldings, type Holdings } from './holdings.js';
import { mustBeOurs } from './identity.js';
import type { Abstention, Bound, Journal, StoredRecord } from './journal.js';
import type { Place } from './placeIndex.js';
import { createQueue, together } from './queue.js';
import { createChecked, readBlock, readHeight, readPlaceOf, readRing, readSmall } from './reads.js';
import { type Base, readOrigin } from './snapshotBase.js';
import { createWriter, type Writer } from './writer.js';
import { createYoungCollector } from './youngCollector.js';

/**
 * The chain on disk. One process has it open at a time; what a promise here resolved for is on the disk.
 *
 * After a crash at any moment it opens at the last committed height, with every record of the next. Methods
 * throw StoreError: 'damaged' when an entry is unreadable, 'write-failed' when the disk refuses (every later
 * write fails too: stop the node), 'closed'. A commit that does not fit is a bug and asserts.
 */
export interface Store extends Holdings {
  /** Height 0 and the chain id as its hash before the first block. */
  readonly head: Head;
  /** The folder was joined by a snapshot there, and has no block up to this one; null: it has them all. */
  readonly base: Base | null;
  /** The state after the head. */
  state(): StateTree;
  /** The newest states, the head's among them; after opening that one alone. */
  readonly versions: Pick<StateVersions, 'at' | 'held'>;
  block(height: number): StoredBlock | null;
  /** Encoded block, certificate and receipts, for sync and export. Cost: one read and one hash. */
  blockBytes(height: number): BlockBytes | null;
  heightOf(blockHash: Uint8Array): number | null;
  /** The ring of this root (`ringRoot`), if a block committed here wrote it; genesis rings are in the genesis. */
  ring(root: Uint8Array): readonly RingSeat[] | null;
  transaction(hash: Uint8Array): Place | null;
  /**
   * One or several heights, each the next one, in one atomic synced batch: after a crash all of them are there, or
   * none. Records of these heights go with it.
   */
  commit(...commits: readonly Commit[]): Promise<void>;
  /**
   * Synced. Agreement's own votes, proposal, justification, for the height after the head; the same key again
   * replaces its value. `drop` names records that bind no more. For a decided height nothing happens.
   */
  putRecords(height: number, records: readonly StoredRecord[], drop?: readonly string[]): Promise<void>;
  /** Sorted by key. Empty for decided heights. */
  records(height: number): readonly StoredRecord[];
  /** Where this node does not vote, because it may have forgotten votes of its own; null: it votes. */
  readonly abstention: Abstention | null;
  /** Why the folder takes no more writes: it is closed, or one has failed. Null: it takes them. */
  fault(): StoreError | null;
  /** False at a height where this node must not vote nor propose. */
  mayVote(height: number): boolean;
  /** Synced. From now on no votes up to `through`; null: none until the network has told how far. */
  abstain(through: number | null): Promise<void>;
  /**
   * A copy of the folder as it is now, in `backupPlace(path)`; what an earlier call left there goes. It must be opened
   * once before it is relied on: that checks it. Holds up writes for some milliseconds. Throws StoreError.
   */
  backup(): Promise<Head>;
  /** Rewrites the database without what was overwritten. Cost: reading and writing all of it, in other threads. */
  compact(): Promise<void>;
  close(): Promise<void>;
}

/** A height as it rests on disk. */
export type BlockBytes = Pick<HeightEntry, 'block' | 'certificate' | 'receipts'>;

export interface StoreOptions {
  /** The folder; one chain each. */
  readonly path: string;
  readonly chainId: Uint8Array;
  /** The state at height 0. */
  readonly genesisState: StateTree;
  /** May the folder be made if there is none? */
  readonly create: boolean;
  /** What binds this node's votes when the folder is made (`consilium chain repair`). */
  readonly binding?: Binding;
}

/**
 * Opens the folder, or begins it with the genesis state, and checks the whole chain in it (`checkChain`) and
 * that nothing is lost that the journal knows of.
 *
 * Throws StoreError: 'not-found', 'locked', 'another-chain', 'another-format', 'former-format', 'damaged',
 * 'unreadable'.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const database = await openDatabase(options.path, options.create);
  let journal: Journal | null = null;
  try {
    const head = await openHead(database, options);
    const opened = openBound(database, head);
    journal = opened.journal;
    const origin = readOrigin(database, options.chainId, options.genesisState);
    // Read while the chain is checked.
    const entries = readStateEntries(database);
    entries.catch(() => {}); // thrown where it is awaited
    const stateRoot = await checkChain(database, options.chainId, origin, head);
    mustBeOnChain(database, journal.bound.head, origin.tail);
    const state = buildState(database, await entries, stateRoot, head.height);
    const writer = createWriter(database, opened.writes);
    // Both copies whole again, in a place of their own, before anything is added.
    await onJournal(database, journal.rewrite(boundAt(journal.bound, head, opened.writes)));
    const { base } = origin;
    return createStore({ database, journal, writer, base, chainId: options.chainId }, head, state);
  } catch (error) {
    await journal?.close().catch(() => undefined);
    await database.close();
    throw error;
  }
}

/** The head of the folder's chain. An empty folder (new, or left by a crash on creation) gets the genesis. */
async function openHead(database: Database, options: StoreOptions): Promise<Tail> {
  const chain = read(database, key.chain);
  if (chain === null) {
    await beginChain(database, options);
    return genesisTail(options.chainId);
  }
  mustBeOurs(database, chain, options.chainId);
  const head = readSmall(database, key.head, tailCodec);
  if (head === null) throw damaged(options.path, 'the head', 'it is missing');
  return head;
}

async function beginChain(database: Database, options: StoreOptions): Promise<void> {
  const { path, chainId, genesisState } = options;
  const name = await firstKey(database, {});
  if (name !== null) throw damaged(path, 'the chain id', `it is missing, though there is ${name}`);
  if (!options.create) throw new StoreError('not-found', `there is no chain in ${path} yet`);
  beginJournal(database, chainId, options.binding ?? null);
  const states = [...treeEntries(genesisState)];
  const first = [
    put(key.format, formatEntry(FORMAT)),
    put(key.chain, chainId),
    put(key.head, encode(tailCodec, genesisTail(chainId))),
    put(key.writes, encode(uint, 1)),
    put(key.journal, encode(stampCodec, { generation: 1, frames: 1 })),
    ...states.map(([name, value]) => put(key.state(name), value)),
  ];
  await write(database, [first]);
}

/** Ids in hex of what a block announces or makes. */
function payloadsOf({ block, payloads }: Commit): string[] {
  const announced = block.transactions.flatMap((transaction) => transaction.payloads);
  return [...announced.map(({ id }) => bytesToHex(id)), ...payloads.keys()];
}

/** Blocks kept decoded, the newest. */
const RECENT_BLOCKS = 8;

interface Parts {
  readonly database: Database;
  readonly journal: Journal;
  readonly writer: Writer;
  readonly base: Base | null;
  readonly chainId: Uint8Array;
}

function createStore(parts: Parts, openedAt: Tail, openedState: StateTree): Store {
  const { database, journal, writer, base, chainId } = parts;
  let tail = openedAt;
  let head: Head = { height: tail.height, hash: tail.hash };
  const versions = new StateVersions({ height: head.height, tree: openedState });
  const inOrder = createQueue();
  const checked = createChecked();
  const recent = new Map<number, StoredBlock>();
  const collectYoung = createYoungCollector();

  /** Clients ask for what was just decided, each for its own transaction. */
  const remember = (commit: Commit): void => {
    const { block, hash, certificate, receipts, state, changes, payloads } = commit;
    const { height } = block.header;
    versions.add({ height, tree: state, writes: changes.size });
    for (const id of payloads.keys()) checked.add(id);
    recent.set(height, { block, hash, certificate, receipts });
    recent.delete(height - RECENT_BLOCKS);
  };

  /** What is asked for while a write is under way is one write, after it. */
  const writeCommits = together(inOrder, async (commits: readonly Commit[]) => {
    checkCommits(commits, chainId, tail);
    const made = commitWrites(commits, chainId, tail);
    const stamp = put(key.journal, encode(stampCodec, journal.stamp));
    await writer.write([...made.writes, stamp]);
    tail = made.tail;
    head = { height: tail.height, hash: tail.hash };
    for (const commit of commits) remember(commit);
    noteBound(database, journal, boundAt(journal.bound, head, writer.writes));
    // Several heights at once are caught up with: nothing waits for a turn, and whole collections cost less.
    if (commits.length === 1) collectYoung(commits[0]!.changes.size);
  });

  const { holdings, whileBinding } = createHoldings(database, writer, checked, chainId);
  const mayVote = (height: number): boolean => mayVoteAt(journal.bound, height);

  return {
    get head() {
      return head;
    },
    base,
    state: () => versions.head,
    versions,
    block: (height) => recent.get(height) ?? readBlock(database, height),
    blockBytes: (height) => readHeight(database, height),
    heightOf: (hash) => readPlaceOf(database, hash, 'block')?.height ?? null,
    transaction: (hash) => readPlaceOf(database, hash, 'transaction'),
    ring: (root) => readRing(database, root),
    commit: (...commits) => whileBinding(commits.flatMap(payloadsOf), () => writeCommits(commits)),
    ...holdings,
    putRecords: (height, added, drop = []) =>
      inOrder(async () => {
        mustTakeWrites(database);
        // A decided height binds nobody any more: its block is on disk.
        if (height <= head.height) return;
        assert.equal(height, head.height + 1, 'records of the height after the head');
        assert.ok(mayVote(height), 'a height at which this node votes');
        const { writes } = writer;
        await onJournal(database, journal.append({ head, writes, height, put: added, drop }));
      }),
    records: (height) => recordsOf(journal.bound, height),
    get abstention() {
      return journal.bound.abstention;
    },
    fault: () => writeFault(database),
    mayVote,
    abstain: (through) =>
      inOrder(async () => {
        mustTakeWrites(database);
        const bound = { ...journal.bound, abstention: { through } };
        await onJournal(database, journal.rewrite(boundAt(bound, head, writer.writes)));
      }),
    backup: () =>
      writer.between(() => {
        mustTakeWrites(database);
        copyDatabase(database.location, boundAt(journal.bound, head, writer.writes), journal.stamp);
        return head;
      }),
    compact: () => compactDatabase(database),
    close: () =>
      inOrder(async () => {
        if (database.status !== 'open') return;
        // After a failed write the disk may refuse this one too; what was promised is on it already.
        await journal.close().catch(() => undefined);
        await database.close();
      }),
  };
}

function mayVoteAt({ abstention }: Bound, height: number): boolean {
  return abstention === null || (abstention.through !== null && height > abstention.through);
}

function put(name: string, value: Uint8Array): Write {
  return { type: 'put', key: name, value };
}

function recordsOf(bound: Bound, height: number): readonly StoredRecord[] {
  if (bound.height !== height) return [];
  const found = [...bound.records].map(([name, value]) => ({ key: name, value }));
  return found.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** A failed write of the journal stops the folder as one of the database does. */
async function onJournal(database: Database, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw writeFailed(database, error);
  }
}

function noteBound(database: Database, journal: Journal, bound: Bound): void {
  try {
    journal.note(bound);
  } catch (error) {
    throw writeFailed(database, error);
  }
}
