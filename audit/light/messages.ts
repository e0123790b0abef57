import {
  bytes,
  bytesBetween,
  CERTIFICATE_BYTES_MAX,
  certificateCodec,
  encode,
  headerCodec,
  type Infer,
  integer,
  limits,
  list,
  nullable,
  record,
  stateProofCodec,
  text,
} from '../../chain/index.js';
import { ringCodec } from '../../consensus/index.js';

/*
 * What a light client is given, as canonical DAG-CBOR. Every message is bounded before it is read, and nothing in
 * one is believed: what it shows is checked against a header that is proved.
 */

/** A header has about 480 bytes. */
export const HEADER_BYTES_MAX = 1_024;
/** Three fields with their names, for each seat. */
const RING_BYTES_MAX = 16 + 128 * limits.membersMax;

/**
 * One step along the chain: a later header with its certificate.
 *
 * `parentSeed`: the seed of the block before it, which puts the committee in its order. It is believed only where
 * the order is all that it decides (follow.ts).
 * `nextRing`: who may vote from the next height on, where that is another ring than for this one; else null.
 */
export const stepCodec = record({
  header: headerCodec,
  certificate: certificateCodec,
  parentSeed: bytes(32),
  nextRing: nullable(ringCodec),
});
export type LightStep = Infer<typeof stepCodec>;
export const STEP_BYTES_MAX = HEADER_BYTES_MAX + CERTIFICATE_BYTES_MAX + RING_BYTES_MAX + 256;

/** A block to begin at, whose hash is known from elsewhere, and the ring that draws the committee after it. */
export const startCodec = record({ header: headerCodec, ring: ringCodec });
export type LightStart = Infer<typeof startCodec>;
export const START_BYTES_MAX = HEADER_BYTES_MAX + RING_BYTES_MAX + 64;

/** Leaves of a block's lists: one receipt more than transactions, which is the block's own beginning. */
const LEAVES_MAX = limits.transactionsPerBlockMax + 1;
const PATH_MAX = Math.ceil(Math.log2(LEAVES_MAX));

const leafOf = (bytesMax: number) =>
  record({
    leaf: bytesBetween(1, bytesMax),
    index: integer(0, LEAVES_MAX - 1),
    count: integer(1, LEAVES_MAX),
    path: list(bytes(32), PATH_MAX),
  });

/** A transaction of a block and its receipt, each with its audit path. */
export const transactionProofCodec = record({
  transaction: leafOf(limits.transactionBytesMax),
  receipt: leafOf(limits.receiptBytesMax),
});
export type TransactionProof = Infer<typeof transactionProofCodec>;
export type LeafProof = TransactionProof['receipt'];
export const TRANSACTION_PROOF_BYTES_MAX = limits.transactionBytesMax + limits.receiptBytesMax + 2_048;

/** Keys are text of cells and ids; the longest is far shorter. */
export const STATE_KEY_BYTES_MAX = 1_024;

/** What the state says of one key: a value, or that there is none (null), with the proof of it. */
export const stateEntryCodec = record({
  key: text(STATE_KEY_BYTES_MAX),
  value: nullable(bytesBetween(0, limits.stateValueBytesMax)),
  proof: stateProofCodec,
});
export type StateEntry = Infer<typeof stateEntryCodec>;
export const STATE_ENTRY_BYTES_MAX = STATE_KEY_BYTES_MAX + limits.stateValueBytesMax + 16_384;

export const encodeStep = (step: LightStep): Uint8Array => encode(stepCodec, step);
export const encodeStart = (start: LightStart): Uint8Array => encode(startCodec, start);
export const encodeTransactionProof = (proof: TransactionProof): Uint8Array =>
  encode(transactionProofCodec, proof);
export const encodeStateEntry = (entry: StateEntry): Uint8Array => encode(stateEntryCodec, entry);
