import { type Block, blockHash, rootsMatch, verifyTransaction, verifyVote } from '../chain/index.js';
import { BLOCK_TIME_MAX, emptySeed } from '../consensus/index.js';
import { compareBytes, equalBytes } from '../crypto/index.js';
import { openMarks } from './marks.js';
import { type Fault, takePayloads } from './payloads.js';
import type { ProofClaim } from './proofs.js';
import type { Checked, Divergence } from './report.js';
import { decodeEntry, type ProofMode, type ReplayEntry } from './step.js';

/** The end of a chain of which only the blocks are known, and not the state that they led to. */
export interface Link {
  readonly height: number;
  readonly hash: Uint8Array;
  readonly time: number;
  readonly seed: Uint8Array;
}

export type LinkStep =
  | {
      readonly ok: true;
      readonly link: Link;
      readonly claim: ProofClaim;
      readonly counted: Partial<Checked>;
      /** Payloads that the source no longer has. */
      readonly absent: number;
      readonly transactions: number;
    }
  | { readonly ok: false; readonly divergence: Divergence };

/**
 * What can be checked of a block without the state before it: that it follows its parent (`before`; null: its parent
 * is unknown, its height has to be `height`), that body, payloads and certificate are those that it names, every
 * transaction's signature, and every parent vote's by the key that it names.
 *
 * With `defer` the signatures come out as a claim. Not checked, since the state says it: who may lead, vote and send; the seed's proof; what the transactions do.
 */
export function linkEntry(
  chainId: Uint8Array,
  before: Link | null,
  height: number,
  entry: ReplayEntry,
  proofs: ProofMode,
): LinkStep {
  const fail = (reason: string, detail: string, at: Partial<Divergence> = {}): LinkStep => ({
    ok: false,
    divergence: { height, transaction: null, key: null, ...at, reason, detail },
  });
  const decoded = decodeEntry(entry);
  if (typeof decoded === 'string') return fail('malformed', decoded);
  const { block, certificate } = decoded;
  const taken = takePayloads(block, entry.payloads);
  if (!taken.ok) return fail(taken.fault.reason, taken.fault.detail, taken.fault);
  const fault =
    headerFault(chainId, before, height, block) ??
    bodyFault(chainId, block, proofs === 'check') ??
    marksFault(block, entry);
  if (fault !== null) return fail(fault.reason, fault.detail, fault);
  const hash = blockHash(block.header);
  const isCertified =
    equalBytes(certificate.chainId, chainId) &&
    equalBytes(certificate.hash, hash) &&
    certificate.height === height;
  if (!isCertified)
    return fail('bad-certificate', 'the certificate is of another block', { key: 'certificate' });
  const { time, seed, leader } = block.header;
  const announced = block.transactions.reduce((sum, { payloads }) => sum + payloads.length, 0);
  const counted = {
    blocks: 1,
    emptyBlocks: leader === null ? 1 : 0,
    parentVotes: block.parentVotes.length,
    transactionSignatures: block.transactions.length,
    payloads: announced - taken.absent,
  };
  const claim = {
    chainId,
    height,
    hash,
    block: entry.block,
    certificate: entry.certificate,
    parentHash: block.header.parent,
    parentSeed: before?.seed ?? seed,
    vrfKey: null,
    committee: null,
  };
  const { absent } = taken;
  const link = { height, hash, time, seed };
  return { ok: true, link, claim, counted, absent, transactions: block.transactions.length };
}

/** Receipts are hashed against the header; what they would stand for is not executed here. */
function marksFault(block: Block, { receipts }: ReplayEntry): Fault | null {
  const opened = receipts === undefined ? null : openMarks(block, receipts);
  return opened?.ok === false ? opened.fault : null;
}

function headerFault(
  chainId: Uint8Array,
  before: Link | null,
  height: number,
  { header }: Block,
): Fault | null {
  if (!equalBytes(header.chainId, chainId))
    return { reason: 'wrong-chain', detail: 'the block names another chain', key: 'chainId' };
  if (header.height !== height)
    return {
      reason: 'wrong-height',
      detail: `height ${header.height} where ${height} belongs`,
      key: 'height',
    };
  if (header.time > BLOCK_TIME_MAX)
    return { reason: 'wrong-time', detail: 'the time is beyond what a chain may reach', key: 'time' };
  if (before === null) return null;
  if (!equalBytes(header.parent, before.hash))
    return { reason: 'wrong-parent', detail: 'the parent is another block', key: 'parent' };
  if (header.leader === null ? header.time !== before.time + 1 : header.time <= before.time)
    return { reason: 'wrong-time', detail: 'the time is not after the parent’s', key: 'time' };
  if (header.leader === null && !equalBytes(header.seed, emptySeed(height, before.seed)))
    return { reason: 'wrong-seed', detail: 'the empty block’s seed is another', key: 'seed' };
  return null;
}

function bodyFault(chainId: Uint8Array, block: Block, isToVerify: boolean): Fault | null {
  const { header, parentVotes, transactions } = block;
  if (!rootsMatch(block))
    return { reason: 'wrong-roots', detail: 'the body is not the one that the header names' };
  if (header.leader === null && transactions.length + parentVotes.length > 0)
    return { reason: 'wrong-roots', detail: 'the empty block has a body' };
  for (const [i, { voter, period, signature }] of parentVotes.entries()) {
    const last = parentVotes[i - 1];
    const isSorted = last === undefined || compareBytes(last.voter, voter) < 0;
    const vote = { height: header.height - 1, period, step: 'cert', value: header.parent } as const;
    const isOfPeriod = last === undefined || last.period === period;
    const isSigned = !isToVerify || verifyVote(chainId, voter, vote, signature);
    if (!isSorted || !isOfPeriod || !isSigned)
      return { reason: 'wrong-parent-votes', detail: `parent vote ${i} does not hold`, key: 'parentVotes' };
  }
  if (!isToVerify) return null;
  const bad = transactions.findIndex((transaction) => !verifyTransaction(transaction, chainId).ok);
  if (bad === -1) return null;
  return { reason: 'bad-transaction', detail: `transaction ${bad}: bad-signature`, transaction: bad };
}
