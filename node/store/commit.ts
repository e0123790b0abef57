import { strict as assert } from 'node:assert';
import {
  type Block,
  blockHash,
  type Certificate,
  decode,
  encode,
  encodeBlock,
  encodeCertificate,
  encodeReceipt,
  limits,
  type PayloadRef,
  type Receipt,
  rootsMatch,
  type StateTree,
  transactionHash,
  treeGet,
  treeRoot,
} from '../../chain/index.js';
import { ringCell, ringCodec, ringRoot } from '../../consensus/index.js';
import { bytesToHex, equalBytes } from '../../crypto/index.js';
import type { Write } from './database.js';
import { type Head, key, type Tail, tailCodec } from './entries.js';
import { encodeHeightEntry } from './heightEntry.js';
import { boundWrites, payloadWrites, pruneMark } from './holdings.js';
import { BLOCK, indexName, indexSum, PLACE_BYTES, writePlace } from './placeIndex.js';

/** A committed block with what was kept beside it. `receipts[0]` is that of the block's own beginning. */
export interface StoredBlock {
  readonly block: Block;
  readonly hash: Uint8Array;
  readonly certificate: Certificate;
  readonly receipts: readonly Receipt[];
}

/** Everything that takes effect when a block is decided: an executed block (`Executed`) and its certificate. */
export interface Commit extends StoredBlock {
  /** Of `receipts`, as execution made it. */
  readonly receiptsRoot: Uint8Array;
  /** State entries that the block wrote; null removes one. */
  readonly changes: ReadonlyMap<string, Uint8Array | null>;
  /** The state after the block: the parent's with these changes. Made once, by execution, and kept from then on. */
  readonly state: StateTree;
  /** Payloads that execution made, by hex id. */
  readonly payloads: ReadonlyMap<string, Uint8Array>;
  /** Payloads that the block announces or its closings made, and that were pruned elsewhere: they get the mark. */
  readonly absent?: readonly PayloadRef[];
}

/** Of so many changes, spread over all of them, the value is compared with that in the state. */
const CHANGES_COMPARED = 16;

/** `checkCommit` for each, one after the other. */
export function checkCommits(commits: readonly Commit[], chainId: Uint8Array, head: Head): void {
  let end = head;
  for (const commit of commits) {
    checkCommit(commit, chainId, end);
    end = { height: commit.block.header.height, hash: commit.hash };
  }
}

/**
 * Asserts that the commit follows the head and that its parts are of one block: all roots are the header's, each
 * receipt is that of its transaction. What execution made in one go (receipts and their root, changes and the state
 * with them) is not made a second time: a sample of the changes is compared with the state. A change that were left
 * out would show on opening, where the state is built anew.
 */
function checkCommit(commit: Commit, chainId: Uint8Array, head: Head): void {
  const { block, hash, certificate, receipts, state } = commit;
  const { header } = block;
  assert.ok(equalBytes(header.chainId, chainId), 'a block of this chain');
  assert.equal(header.height, head.height + 1, 'the next height');
  assert.ok(equalBytes(header.parent, head.hash), 'a child of the head');
  assert.ok(equalBytes(blockHash(header), hash), 'the hash of the header');
  assert.ok(rootsMatch(block), 'the body of the header');
  assert.ok(equalBytes(commit.receiptsRoot, header.receiptsRoot), 'the receipts root of the header');
  assert.equal(receipts.length, block.transactions.length + 1, 'a receipt each');
  for (const [i, transaction] of block.transactions.entries()) {
    const named = receipts[i + 1]!.transaction;
    assert.ok(named !== null && equalBytes(named, transactionHash(transaction)), 'the receipt of each');
  }
  assert.ok(equalBytes(certificate.hash, hash) && certificate.height === header.height, 'its certificate');
  assert.ok(equalBytes(treeRoot(state), header.stateRoot), 'the state of the state root');
  checkChanges(commit);
}

function checkChanges({ changes, state }: Commit): void {
  const stride = Math.ceil(changes.size / CHANGES_COMPARED);
  let i = 0;
  for (const [name, value] of changes) {
    i += 1;
    if (i % stride !== 0 && i !== changes.size) continue;
    const now = treeGet(state, name);
    assert.ok(
      value === null ? now === null : now !== null && equalBytes(now, value),
      `the change of ${name}`,
    );
  }
}

/**
 * What the commits of several heights write, one after the other, and where the chain ends then. Of a state entry that
 * more than one of them wrote, the last value alone.
 */
export function commitWrites(
  commits: readonly Commit[],
  chainId: Uint8Array,
  head: Tail,
): { readonly writes: readonly Write[]; readonly tail: Tail } {
  const writes: Write[] = [];
  const changes = new Map<string, Uint8Array | null>();
  let tail = head;
  for (const commit of commits) {
    tail = heightWrites(commit, chainId, tail, writes);
    for (const [name, value] of commit.changes) {
      changes.set(name, value);
      writes.push(...ringWrites(name, value));
    }
    for (const [id, bytes] of commit.payloads) writes.push(...payloadWrites(id, bytes));
    const announced = commit.block.transactions.flatMap(({ payloads }) => payloads);
    const { absent = [] } = commit;
    const bound = [...announced, ...absent].map(({ id }) => bytesToHex(id));
    writes.push(...boundWrites([...bound, ...commit.payloads.keys()]));
    for (const ref of absent) writes.push(pruneMark(chainId, ref));
  }
  for (const [name, value] of changes) {
    writes.push(value === null ? { type: 'del', key: key.state(name) } : put(key.state(name), value));
  }
  writes.push(put(key.head, encode(tailCodec, tail)));
  return { writes, tail };
}

/** Adds a height's entry and those of the index to `writes`. The tail with them. */
function heightWrites(commit: Commit, chainId: Uint8Array, head: Tail, writes: Write[]): Tail {
  const { block, hash, certificate, receipts } = commit;
  const { height } = block.header;
  const index = indexWrites(commit, head.indexSum);
  const indexed = head.indexed + index.writes.length;
  const entry = encodeHeightEntry({
    previous: head.seal,
    hash,
    indexed,
    indexSum: index.sum,
    payloads: block.transactions.flatMap((transaction) => transaction.payloads),
    block: encodeBlock(block),
    certificate: encodeCertificate(chainId, certificate),
    receipts: receipts.map(encodeReceipt),
  });
  writes.push(put(key.height(height), entry), ...index.writes);
  return { height, hash, seal: entry.slice(0, 32), indexed, indexSum: index.sum };
}

/** The index entries of a block and its transactions, and the sum with them. */
function indexWrites({ block, hash }: Commit, sumBefore: number) {
  const { header, transactions } = block;
  const values = Buffer.allocUnsafe((transactions.length + 1) * PLACE_BYTES);
  const writes: Write[] = [];
  let sum = sumBefore;
  const add = (of: Uint8Array, index: number): void => {
    const place = { height: header.height, index };
    const at = writes.length * PLACE_BYTES;
    writePlace(values, at, place);
    writes.push(put(key.index(indexName(of)), values.subarray(at, at + PLACE_BYTES)));
    sum = indexSum(sum, of, place);
  };
  add(hash, BLOCK);
  for (const [i, transaction] of transactions.entries()) add(transactionHash(transaction), i);
  return { writes, sum };
}

/** The state forgets old rings; headers name them for good, by their root. */
export function ringWrites(name: string, value: Uint8Array | null): readonly Write[] {
  if (value === null || !name.startsWith(`${ringCell.key()}/`)) return [];
  const ring = decode(ringCodec, value, limits.stateValueBytesMax);
  return [put(key.ring(bytesToHex(ringRoot(ring))), value)];
}

function put(name: string, value: Uint8Array): Write {
  return { type: 'put', key: name, value };
}
