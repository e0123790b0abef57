import { equalBytes, sha256, sign, verifySignature } from '../crypto/index.js';
import {
  bytes,
  bytesBetween,
  type Codec,
  encode,
  formOf,
  type Infer,
  integer,
  list,
  nullable,
  struct,
  tagged,
  uint,
} from './codec.js';
import { limits } from './limits.js';
import { merkleRoot } from './merkle.js';
import { encodeTransaction, transactionCodec } from './transaction.js';
import { PERIOD_MAX } from './vote.js';

/** Protocol versions fit into 16 bits. */
export const PROTOCOL_MAX = 65_535;

const fields = {
  protocol: integer(1, PROTOCOL_MAX),
  height: uint,
  level: integer(0, limits.levelMax),
  time: uint,
  parent: bytes(32),
  leader: nullable(bytes(32)),
  seed: bytes(32),
  seedProof: nullable(bytes(80)),
  transactionsRoot: bytes(32),
  receiptsRoot: bytes(32),
  parentVotesRoot: bytes(32),
  nextRingRoot: bytes(32),
  stateRoot: bytes(32),
};

/**
 * Block header. Its SHA-256 is the block's hash. `protocol` names the rules that the block was executed by.
 *
 * Unit: time in milliseconds since 1970. `stateRoot` is that of the state after this very block.
 * The empty block has no leader and no seed proof.
 */
export const headerCodec = formOf(tagged('consilium/header', 1, fields));
export type Header = Infer<typeof headerCodec>;

const headerFields = ['chainId', ...Object.keys(fields)] as readonly (keyof Header)[];

/** A cert vote for the parent: height and value are the parent's. Sorted by voter. */
export const parentVoteCodec = formOf(
  struct({
    voter: bytes(32),
    period: integer(0, PERIOD_MAX),
    signature: bytes(64),
  }),
);
export type ParentVote = Infer<typeof parentVoteCodec>;

export const blockCodec = struct({
  header: headerCodec,
  transactions: list(transactionCodec, limits.transactionsPerBlockMax),
  parentVotes: list(parentVoteCodec, limits.membersMax),
});
export type Block = Infer<typeof blockCodec>;

const form = formOf(blockCodec);

/** The bytes must not be changed: they are kept, for whoever needs them next. */
export function encodeBlock(block: Block): Uint8Array {
  return form.encode(block);
}

/** Throws DecodeError. The block's roots are not compared here: `rootsMatch` does that. */
export function decodeBlock(raw: Uint8Array): Block {
  return form.decode(raw, limits.blockBytesMax);
}

const blockBytesCodec = bytesBetween(1, limits.blockBytesMax);

/** A block as its own bytes inside a message: who sends, stores or decodes the message need not make them again. */
export const embeddedBlockCodec: Codec<Block> = {
  write: (out, block) => blockBytesCodec.write(out, encodeBlock(block)),
  read: (input) => decodeBlock(blockBytesCodec.read(input)),
};

export function encodeHeader(header: Header): Uint8Array {
  return headerCodec.encode(header);
}

export function blockHash(header: Header): Uint8Array {
  const known = hashes.get(header);
  if (known !== undefined) return known;
  const hash = sha256(encodeHeader(header));
  hashes.set(header, hash);
  return hash;
}

const hashes = new WeakMap<Header, Uint8Array>();

export function transactionsRoot({ transactions }: Pick<Block, 'transactions'>): Uint8Array {
  return rootOnce(transactions, () => merkleRoot(transactions.map(encodeTransaction)));
}

export function parentVotesRoot({ parentVotes }: Pick<Block, 'parentVotes'>): Uint8Array {
  return rootOnce(parentVotes, () => merkleRoot(parentVotes.map(parentVoteCodec.encode)));
}

/** Lists are never changed once made; a block's are asked for when it is built, judged and stored. */
const roots = new WeakMap<object, Uint8Array>();

function rootOnce(items: object, compute: () => Uint8Array): Uint8Array {
  let root = roots.get(items);
  if (root === undefined) {
    root = compute();
    roots.set(items, root);
  }
  return root;
}

/** Does the body belong to the header? */
export function rootsMatch(block: Block): boolean {
  return (
    equalBytes(block.header.transactionsRoot, transactionsRoot(block)) &&
    equalBytes(block.header.parentVotesRoot, parentVotesRoot(block))
  );
}

/**
 * Notes what was found of this block in another thread, from the same bytes: its hash, and that the body is the one that
 * the header names. Neither is computed again.
 */
export function noteChecked({ header, transactions, parentVotes }: Block, hash: Uint8Array): void {
  hashes.set(header, hash);
  roots.set(transactions, header.transactionsRoot);
  roots.set(parentVotes, header.parentVotesRoot);
}

/** Are all fields the same? Then so is the hash: a header has one form. */
export function equalHeaders(a: Header, b: Header): boolean {
  return headerFields.every((name) => {
    const [one, other] = [a[name], b[name]];
    return one instanceof Uint8Array && other instanceof Uint8Array ? equalBytes(one, other) : one === other;
  });
}

/** Bytes of all payloads that a block announces. */
export function announcedBytes(block: Pick<Block, 'transactions'>): number {
  return block.transactions.reduce(
    (sum, transaction) => sum + transaction.payloads.reduce((bytesSum, ref) => bytesSum + ref.size, 0),
    0,
  );
}

const unsignedProposalCodec = tagged('consilium/proposal', 1, { height: uint, hash: bytes(32) });

/** A leader's signature under one block for one height; two of them for different blocks are evidence. */
export function signProposal(
  chainId: Uint8Array,
  height: number,
  hash: Uint8Array,
  secret: Uint8Array,
): Uint8Array {
  return sign(secret, encode(unsignedProposalCodec, { chainId, height, hash }));
}

export function verifyProposal(
  chainId: Uint8Array,
  leader: Uint8Array,
  height: number,
  hash: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verifySignature(leader, encode(unsignedProposalCodec, { chainId, height, hash }), signature);
}
