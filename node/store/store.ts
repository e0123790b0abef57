import { encode, payloadId, type StateTree, treeEntries, treeRoot, uint } from '../../chain/index.js';
import { bytesToHex, equalBytes } from '../../crypto/index.js';
import { checkChain, loadState } from './check.js';
import { type Commit, checkCommit, commitWrites, payloadWrites, type StoredBlock } from './commit.js';
import { type Database, firstKey, openDatabase, read, type Write, write } from './database.js';
import { FORMAT, type Head, headCodec, key, placeCodec } from './entries.js';
import { damaged, StoreError } from './error.js';
import { createQueue } from './queue.js';
import { readBlock, readBlockBytes, readPayload, readSmall } from './reads.js';
import {
  addRecords,
  dropRecords,
  loadRecords,
  type Records,
  recordsOf,
  type StoredRecord,
} from './records.js';

/**
 * The chain on disk. One process has it open at a time; what a promise here resolved for is on the disk.
 *
 * After a crash at any moment it opens at the last committed height. Methods throw StoreError: 'damaged' when
 * an entry is unreadable, 'write-failed' when the disk refuses (every later write fails too: stop the node),
 * 'closed'. A commit that does not fit is a bug and asserts.
 */
export interface Store {
  /** Height 0 and the chain id as its hash before the first block. */
  readonly head: Head;
  /** The state after the head. */
  state(): StateTree;
  block(height: number): StoredBlock | null;
  /** Encoded block and certificate, undecoded, for sync and export. Cost: two reads, about 10 µs. */
  blockBytes(height: number): { readonly block: Uint8Array; readonly certificate: Uint8Array } | null;
  heightOf(blockHash: Uint8Array): number | null;
  transaction(hash: Uint8Array): { readonly height: number; readonly index: number } | null;
  /** One atomic synced batch; the records of this and earlier heights go with it. Cost: about 1.2 ms. */
  commit(commit: Commit): Promise<void>;
  hasPayload(id: Uint8Array): boolean;
  /** The bytes, checked against the id (0.75 ms a MiB), or null. */
  payload(id: Uint8Array): Uint8Array | null;
  /** Synced. Throws StoreError 'wrong-payload', and stores nothing, when the bytes have another id. */
  putPayload(id: Uint8Array, bytes: Uint8Array): Promise<void>;
  /** Synced. Agreement's own votes, proposal, justification; the same key again replaces its value. */
  putRecords(height: number, records: readonly StoredRecord[]): Promise<void>;
  /** Sorted by key. Empty for decided heights. */
  records(height: number): readonly StoredRecord[];
  close(): Promise<void>;
}

export interface StoreOptions {
  /** The folder; one chain each. */
  readonly path: string;
  readonly chainId: Uint8Array;
  /** The state at height 0. */
  readonly genesisState: StateTree;
  /** May the folder be made if there is none? */
  readonly create: boolean;
}

/**
 * Opens the folder, or begins it with the genesis state, and checks the whole chain in it (`checkChain`).
 *
 * Throws StoreError: 'not-found', 'locked', 'another-chain', 'another-format', 'damaged', 'unreadable'.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const database = await openDatabase(options.path, options.create);
  try {
    const head = await openHead(database, options);
    const stateRoot = await checkChain(database, options.chainId, head);
    const state = await loadState(database, stateRoot ?? treeRoot(options.genesisState), head.height);
    return createStore(database, options.chainId, head, state, await loadRecords(database));
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** The head of the folder's chain. An empty folder (new, or left by a crash on creation) gets the genesis. */
async function openHead(database: Database, options: StoreOptions): Promise<Head> {
  const chain = read(database, key.chain);
  if (chain === null) {
    await beginChain(database, options);
    return { height: 0, hash: options.chainId };
  }
  if (!equalBytes(chain, options.chainId)) {
    const message =
      `${options.path} belongs to another chain (${bytesToHex(chain).slice(0, 16)}, not ` +
      `${bytesToHex(options.chainId).slice(0, 16)}); use the genesis that this folder was made with, or another folder`;
    throw new StoreError('another-chain', message);
  }
  if (readSmall(database, key.format, uint) !== FORMAT) {
    const message = `${options.path} was written by another version; use that version, or move the folder away`;
    throw new StoreError('another-format', message);
  }
  const head = readSmall(database, key.head, headCodec);
  if (head === null) throw damaged(options.path, 'the head', 'it is missing');
  return head;
}

async function beginChain(database: Database, options: StoreOptions): Promise<void> {
  const name = await firstKey(database, {});
  if (name !== null) throw damaged(options.path, 'the chain id', `it is missing, though there is ${name}`);
  if (!options.create) throw new StoreError('not-found', `there is no chain in ${options.path} yet`);
  const states = [...treeEntries(options.genesisState)];
  await write(database, [
    { type: 'put', key: key.format, value: encode(uint, FORMAT) },
    { type: 'put', key: key.chain, value: options.chainId },
    { type: 'put', key: key.head, value: encode(headCodec, { height: 0, hash: options.chainId }) },
    ...states.map(([name, value]): Write => ({ type: 'put', key: key.state(name), value })),
  ]);
}

function createStore(
  database: Database,
  chainId: Uint8Array,
  openedAt: Head,
  openedState: StateTree,
  records: Records,
): Store {
  let head = openedAt;
  let state = openedState;
  const inOrder = createQueue();

  return {
    get head() {
      return head;
    },
    state: () => state,
    block: (height) => readBlock(database, height),
    blockBytes: (height) => readBlockBytes(database, height),
    heightOf: (hash) => readSmall(database, key.height(bytesToHex(hash)), uint),
    transaction: (hash) => readSmall(database, key.transaction(bytesToHex(hash)), placeCodec),
    commit: (commit) =>
      inOrder(async () => {
        const next = checkCommit(commit, chainId, head, state);
        const { height } = commit.block.header;
        await write(database, [...commitWrites(commit, chainId), ...dropRecords(records, height)]);
        head = { height, hash: commit.hash };
        state = next;
      }),
    hasPayload: (id) => read(database, key.held(bytesToHex(id))) !== null,
    payload: (id) => readPayload(database, id),
    putPayload: async (id, bytes) => {
      if (bytes.length === 0 || !equalBytes(payloadId(bytes), id)) {
        throw new StoreError(
          'wrong-payload',
          `these ${bytes.length} bytes are not payload ${bytesToHex(id)}`,
        );
      }
      await write(database, payloadWrites(bytesToHex(id), bytes));
    },
    putRecords: (height, added) =>
      inOrder(async () => {
        // A decided height binds nobody any more: its block is on disk.
        if (height > head.height) await write(database, addRecords(records, height, added));
      }),
    records: (height) => recordsOf(records, height),
    close: () => inOrder(() => database.close()),
  };
}
