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
  merkleRoot,
  type Receipt,
  rootsMatch,
  type StateTree,
  transactionHash,
  treeGet,
  treeRoot,
  uint,
} from '../../chain/index.js';
import { ringCell, ringCodec, ringRoot } from '../../consensus/index.js';
import { bytesToHex, equalBytes } from '../../crypto/index.js';
import type { Write } from './database.js';
import { encodeReceipts, type Head, headCodec, key, placeCodec, seal } from './entries.js';

/** A committed block with what was kept beside it. `receipts[0]` is that of the block's own beginning. */
export interface StoredBlock {
  readonly block: Block;
  readonly hash: Uint8Array;
  readonly certificate: Certificate;
  readonly receipts: readonly Receipt[];
}

/** Everything that takes effect when a block is decided: an executed block and its certificate. */
export interface Commit extends StoredBlock {
  /** State entries that the block wrote; null removes one. */
  readonly changes: ReadonlyMap<string, Uint8Array | null>;
  /** The state after the block: the parent's with these changes. Made once, by execution, and kept from then on. */
  readonly state: StateTree;
  /** Payloads that execution made, by hex id. */
  readonly payloads: ReadonlyMap<string, Uint8Array>;
}

/**
 * Asserts that the commit follows the head and that its parts belong together, so that what is written will
 * pass the check on opening. Of the changes it asserts that the state has each; that none is left out follows
 * from where both come from (`finish` in chain/execute.ts), and shows on opening at the latest.
 */
export function checkCommit(commit: Commit, chainId: Uint8Array, head: Head): void {
  const { block, hash, certificate, receipts, changes, state } = commit;
  const { header } = block;
  assert.ok(equalBytes(header.chainId, chainId), 'a block of this chain');
  assert.equal(header.height, head.height + 1, 'the next height');
  assert.ok(equalBytes(header.parent, head.hash), 'a child of the head');
  assert.ok(equalBytes(blockHash(header), hash), 'the hash of the header');
  assert.ok(rootsMatch(block), 'the body of the header');
  assert.ok(equalBytes(merkleRoot(receipts.map(encodeReceipt)), header.receiptsRoot), 'its receipts');
  assert.ok(equalBytes(certificate.hash, hash) && certificate.height === header.height, 'its certificate');
  assert.ok(equalBytes(treeRoot(state), header.stateRoot), 'the state of the state root');
  for (const [name, value] of changes) {
    const now = treeGet(state, name);
    assert.ok(
      value === null ? now === null : now !== null && equalBytes(now, value),
      `the change of ${name}`,
    );
  }
}

/** What a commit writes. */
export function commitWrites(commit: Commit, chainId: Uint8Array): readonly Write[] {
  const { block, hash, certificate, receipts, changes, payloads } = commit;
  const { height } = block.header;
  return [
    put(key.block(height), encodeBlock(block)),
    put(key.certificate(height), seal(encodeCertificate(chainId, certificate))),
    put(key.receipts(height), encodeReceipts(receipts)),
    put(key.height(bytesToHex(hash)), encode(uint, height)),
    ...block.transactions.map((transaction, index) =>
      put(key.transaction(bytesToHex(transactionHash(transaction))), encode(placeCodec, { height, index })),
    ),
    ...[...changes].map(
      ([name, value]): Write =>
        value === null ? { type: 'del', key: key.state(name) } : put(key.state(name), value),
    ),
    ...[...changes].flatMap(([name, value]) => ringWrites(name, value)),
    ...[...payloads].flatMap(([id, bytes]) => payloadWrites(id, bytes)),
    put(key.head, encode(headCodec, { height, hash })),
  ];
}

/** The state forgets old rings; headers name them for good, by their root. */
function ringWrites(name: string, value: Uint8Array | null): readonly Write[] {
  if (value === null || !name.startsWith(`${ringCell.key()}/`)) return [];
  const ring = decode(ringCodec, value, limits.stateValueBytesMax);
  return [put(key.ring(bytesToHex(ringRoot(ring))), value)];
}

/** A payload and the mark that it is held. `id` in hex. */
export function payloadWrites(id: string, bytes: Uint8Array): readonly Write[] {
  return [put(key.payload(id), bytes), put(key.held(id), encode(uint, bytes.length))];
}

function put(name: string, value: Uint8Array): Write {
  return { type: 'put', key: name, value };
}
