import { strict as assert } from 'node:assert';
import {
  type Block,
  type BlockContext,
  beginExecution,
  blockHash,
  type Executed,
  type Execution,
  encodeBlock,
  equalHeaders,
  type Header,
  type HeldPayload,
  limits,
  nonceCell,
  type ParentVote,
  type Protocol,
  participantsOf,
  readState,
  rootsMatch,
  type StateTree,
  sealHeader,
  type VerifiedTransaction,
  verifyTransaction,
  verifyVote,
} from '../chain/index.js';
import { bytesToHex, compareBytes, equalBytes } from '../crypto/index.js';
import { drawCommittee, type RingSeat } from './committee.js';
import { quorumOf } from './quorum.js';
import { ringAt } from './ring.js';
import { emptySeed, verifySeed } from './seed.js';

/** The end of a chain: its last block, who agreed on it, and the state after it. Height 0 is genesis. */
export interface Tip {
  readonly chainId: Uint8Array;
  readonly height: number;
  readonly hash: Uint8Array;
  readonly time: number;
  readonly seed: Uint8Array;
  /** Null for the empty block, and at genesis. */
  readonly leader: Uint8Array | null;
  /** The committee of this height in its order; empty at genesis. */
  readonly committee: readonly RingSeat[];
  readonly state: StateTree;
}

/** What judging needs to know beside the contracts. */
export interface Rules<C> {
  /** Version of the rules by which the block of a height is executed. It never falls. */
  protocolAt(height: number): number;
  /** The rules themselves, by version; every version that `protocolAt` answers is there. */
  readonly protocols: ReadonlyMap<number, Protocol<C>>;
  readonly eraHeights: number;
  readonly members: number;
}

/** A block with everything that follows from it. */
export interface Judged {
  readonly block: Block;
  readonly hash: Uint8Array;
  readonly executed: Executed;
  readonly tip: Tip;
}

/** Why a block is invalid, in the order in which it is checked. */
export type BlockFault =
  | 'wrong-chain'
  | 'wrong-height'
  | 'wrong-protocol'
  | 'wrong-parent'
  | 'wrong-time'
  | 'wrong-leader'
  | 'wrong-seed'
  | 'oversize'
  | 'wrong-roots'
  | 'wrong-parent-votes'
  | 'bad-transaction'
  | 'wrong-receipts'
  | 'wrong-ring'
  | 'wrong-state';

export type Judgement =
  | { readonly ok: true; readonly judged: Judged }
  | {
      readonly ok: false;
      readonly reason: BlockFault;
      readonly detail: string;
      /** Index of the transaction that made the block invalid. */
      readonly transaction?: number;
    };

/**
 * Latest time of a block, in ms: the year 10889. Far above any clock and far below 2^53, so that contracts may
 * add a span to a time, and the empty block its millisecond, without leaving the whole numbers of the codec.
 */
export const BLOCK_TIME_MAX = 2 ** 48;

/** The committee of the height after a tip; its first member leads. */
export function nextCommittee<C>(rules: Rules<C>, tip: Tip): readonly RingSeat[] {
  return committeeOf(ringAt(readState(tip.state), tip.height + 1, rules.eraHeights), tip.seed, rules.members);
}

/** The committee that a ring and the parent's seed make, of `members` seats where there are so many. */
export function committeeOf(
  ring: readonly RingSeat[],
  parentSeed: Uint8Array,
  members: number,
): readonly RingSeat[] {
  return drawCommittee(ring, parentSeed, Math.min(members, ring.length)).map((index) => ring[index]!);
}

/** E_h: no leader, no transactions, no parent votes; one millisecond after its parent. */
export function emptyBlock<C>(rules: Rules<C>, tip: Tip, closings: ReadonlyMap<string, C>): Judged {
  const seed = emptySeed(tip.height + 1, tip.seed);
  const context = contextOf(rules, tip, { time: tip.time + 1, leader: null, parentVotes: [] }, closings);
  const execution = beginExecution(protocolOf(rules, context), tip.state, context, 0, () => null);
  const body = { transactions: [], parentVotes: [] };
  return seal(rules, tip, { execution, context, level: 0, seed, proof: null, body });
}

/** What a leader decides; everything else in its block follows. */
export interface Draft {
  readonly time: number;
  readonly leader: Uint8Array;
  readonly seed: Uint8Array;
  readonly seedProof: Uint8Array;
  readonly parentVotes: readonly ParentVote[];
  /** In order of preference; those that cannot stand here are left out. */
  readonly candidates: readonly VerifiedTransaction[];
}

/**
 * A leader's block. Its level is the one that the rule of turns chooses among those that wait; candidates of another
 * level, with a nonce that isn't next, or beyond the block's size, stay for later blocks.
 */
export function buildBlock<C>(
  rules: Rules<C>,
  tip: Tip,
  draft: Draft,
  closings: ReadonlyMap<string, C>,
  payloadOf: (id: Uint8Array) => Uint8Array | null,
): Judged {
  const context = contextOf(rules, tip, draft, closings);
  const protocol = protocolOf(rules, context);
  const level = levelOf(protocol, tip, draft.candidates);
  const execution = beginExecution(protocol, tip.state, context, level, payloadOf);
  // Header, parent votes and list heads: what a block weighs before its transactions.
  let size = 1_024 + draft.parentVotes.length * 110;
  for (const candidate of draft.candidates) {
    if (size + candidate.size > limits.blockBytesMax) break;
    if (execution.take(candidate).ok) size += candidate.size;
  }
  const { seed, seedProof, parentVotes } = draft;
  const body = { transactions: execution.transactions.map(({ transaction }) => transaction), parentVotes };
  return seal(rules, tip, { execution, context, level, seed, proof: seedProof, body });
}

/**
 * Is this the valid next block of a leader? Every field is checked or recomputed; nothing in it is believed.
 *
 * The clock is not asked here: how far `time` may run ahead of it is the driver's question, before a soft vote.
 * `payloadOf` must give every announced payload, else the block counts as invalid: hold them first. Marks in their
 * place are for decided blocks alone.
 * `certified`: the caller has verified the block's certificate. Its honest signers have checked the seed's proof and
 * the parent votes' signatures, so these two are taken from them (a replay checks them again); nothing else is.
 * Cost: one signature check a transaction, the execution; unless certified one more a parent vote and a VRF check.
 */
export function judgeBlock<C>(
  rules: Rules<C>,
  tip: Tip,
  block: Block,
  closings: ReadonlyMap<string, C>,
  payloadOf: (id: Uint8Array, transaction: string) => HeldPayload | null,
  verified: (transaction: Block['transactions'][number]) => VerifiedTransaction | null = () => null,
  certified = false,
): Judgement {
  const { header } = block;
  const fault = headerFault(rules, tip, header, certified) ?? bodyFault(tip, block, certified);
  if (fault !== null) return fault;
  const context = contextOf(
    rules,
    tip,
    { time: header.time, leader: header.leader, parentVotes: block.parentVotes },
    closings,
  );
  const execution = beginExecution(protocolOf(rules, context), tip.state, context, header.level, payloadOf);
  for (const [index, transaction] of block.transactions.entries()) {
    const known = verified(transaction);
    const checked =
      known === null ? verifyTransaction(transaction, tip.chainId) : { ok: true as const, value: known };
    const taken = checked.ok ? execution.take(checked.value) : checked;
    if (!taken.ok) {
      return {
        ok: false,
        reason: 'bad-transaction',
        detail: `transaction ${index}: ${taken.reason}`,
        transaction: index,
      };
    }
  }
  const levelless = execution.transactions.every(({ transaction }) => transaction.level === 0);
  if (levelless !== (header.level === 0))
    return invalid('bad-transaction', 'the header’s level is not its transactions’');
  const { seed, seedProof: proof, level } = header;
  const judged = seal(rules, tip, { execution, context, level, seed, proof, body: block, expected: header });
  return compare(judged, block);
}

/** Checks a certified empty block of the chain, its empty body too, against the one that has to be here. */
export function judgeEmpty<C>(
  rules: Rules<C>,
  tip: Tip,
  block: Block,
  closings: ReadonlyMap<string, C>,
): Judgement {
  const fault = linkFault(rules, tip, block.header);
  if (fault !== null) return fault;
  if (!rootsMatch(block)) return invalid('wrong-roots', 'the body is not the one that the header names');
  return compare(emptyBlock(rules, tip, closings), block);
}

/**
 * Cert votes for the tip as a block carries them: sorted by voter, all of one period. `certified`: their signatures
 * are vouched for.
 */
export function parentVotesFault(tip: Tip, votes: readonly ParentVote[], certified = false): string | null {
  if (tip.height === 0) return votes.length === 0 ? null : 'the first block has no parent votes';
  if (votes.length < quorumOf(tip.committee.length)) return `${votes.length} votes are no quorum`;
  for (const [i, vote] of votes.entries()) {
    const before = votes[i - 1];
    if (before !== undefined && compareBytes(before.voter, vote.voter) >= 0) return 'not sorted by voter';
    if (before !== undefined && before.period !== vote.period) return 'votes of more than one period';
    if (!tip.committee.some((seat) => equalBytes(seat.publicKey, vote.voter)))
      return 'a voter outside the committee';
    if (certified) continue;
    const unsigned = { height: tip.height, period: vote.period, step: 'cert', value: tip.hash } as const;
    if (!verifyVote(tip.chainId, vote.voter, unsigned, vote.signature))
      return 'a signature that does not verify';
  }
  return null;
}

/** The level that the rule chooses among those that wait: of task transactions whose senders may send them now. */
function levelOf<C>(protocol: Protocol<C>, tip: Tip, candidates: readonly VerifiedTransaction[]): number {
  const state = readState(tip.state);
  const nonces = new Map<string, number>();
  const waiting = new Set<number>();
  for (const candidate of candidates) {
    const { sender } = candidate;
    const { nonce, level } = candidate.transaction;
    const next = nonces.get(sender) ?? nonceCell.get(state, sender) ?? 0;
    if (nonce !== next || !protocol.senderOf(state, tip.height + 1, candidate).ok) continue;
    // What the sender signed after it waits for it, at whatever level.
    if (level !== 0) waiting.add(level);
    nonces.set(sender, level === 0 ? next + 1 : -1);
  }
  return protocol.levels.choose(state, [...waiting]);
}

function linkFault<C>(rules: Rules<C>, tip: Tip, header: Header): Judgement | null {
  if (!equalBytes(header.chainId, tip.chainId))
    return invalid('wrong-chain', 'the block names another chain');
  if (header.height !== tip.height + 1)
    return invalid('wrong-height', `height ${header.height} after ${tip.height}`);
  const protocol = rules.protocolAt(header.height);
  if (header.protocol !== protocol) {
    return invalid(
      'wrong-protocol',
      `the block is of protocol ${header.protocol}, and the chain spec has protocol ${protocol} at this height: ` +
        'compare its upgrades with those that the consortium agreed on',
    );
  }
  if (!equalBytes(header.parent, tip.hash)) return invalid('wrong-parent', 'the parent is another block');
  return null;
}

function headerFault<C>(rules: Rules<C>, tip: Tip, header: Header, certified: boolean): Judgement | null {
  const link = linkFault(rules, tip, header);
  if (link !== null) return link;
  if (header.time <= tip.time) return invalid('wrong-time', 'the time is not after the parent’s');
  if (header.time > BLOCK_TIME_MAX) return invalid('wrong-time', 'the time is beyond what a chain may reach');
  const drawn = nextCommittee(rules, tip)[0]!;
  if (header.leader === null || !equalBytes(header.leader, drawn.publicKey)) {
    return invalid('wrong-leader', 'the draw named another leader');
  }
  const { vrfPublicKey } = drawn;
  const proof = header.seedProof;
  if (certified && proof !== null) return null;
  const seed =
    proof === null ? null : verifySeed({ vrfPublicKey, height: header.height, parentSeed: tip.seed, proof });
  if (seed === null || !equalBytes(seed, header.seed))
    return invalid('wrong-seed', 'the seed’s proof does not verify');
  return null;
}

function bodyFault(tip: Tip, block: Block, certified: boolean): Judgement | null {
  if (encodeBlock(block).length > limits.blockBytesMax) return invalid('oversize', 'the block is too large');
  if (!rootsMatch(block)) return invalid('wrong-roots', 'the body is not the one that the header names');
  const votes = parentVotesFault(tip, block.parentVotes, certified);
  return votes === null ? null : invalid('wrong-parent-votes', votes);
}

function compare(judged: Judged, block: Block): Judgement {
  const { header } = block;
  const ours = judged.block.header;
  const fields = [
    ['receiptsRoot', 'wrong-receipts'],
    ['nextRingRoot', 'wrong-ring'],
    ['stateRoot', 'wrong-state'],
  ] as const;
  for (const [field, reason] of fields) {
    if (!equalBytes(ours[field], header[field])) {
      return invalid(
        reason,
        `${field} is ${bytesToHex(header[field])}, recomputed ${bytesToHex(ours[field])}`,
      );
    }
  }
  if (!equalBytes(judged.hash, blockHash(header)))
    return invalid('wrong-roots', 'a field of the header differs');
  // The one that came: its bytes are known.
  const { hash, executed, tip } = judged;
  return { ok: true, judged: { block, hash, executed, tip } };
}

function protocolOf<C>(rules: Rules<C>, { protocol }: BlockContext<C>): Protocol<C> {
  const found = rules.protocols.get(protocol);
  assert.ok(found !== undefined, `the rules of protocol ${protocol}`);
  return found;
}

function contextOf<C>(
  rules: Rules<C>,
  tip: Tip,
  block: {
    readonly time: number;
    readonly leader: Uint8Array | null;
    readonly parentVotes: readonly ParentVote[];
  },
  closings: ReadonlyMap<string, C>,
): BlockContext<C> {
  const height = tip.height + 1;
  return {
    chainId: tip.chainId,
    protocol: rules.protocolAt(height),
    height,
    time: block.time,
    leader: block.leader,
    parent: {
      height: tip.height,
      time: tip.time,
      leader: tip.leader,
      committee: tip.committee.map(({ publicKey }) => publicKey),
    },
    participants: participantsOf(block.parentVotes),
    closings,
  };
}

function seal<C>(
  rules: Rules<C>,
  tip: Tip,
  parts: {
    readonly execution: Execution;
    readonly context: BlockContext<C>;
    readonly level: number;
    readonly seed: Uint8Array;
    readonly proof: Uint8Array | null;
    readonly body: Pick<Block, 'transactions' | 'parentVotes'>;
    /** The header that is being judged: its hash is known, or is wanted anyway. */
    readonly expected?: Header;
  },
): Judged {
  const { execution, context, body, seed, proof, expected } = parts;
  const taken = execution.transactions.find(({ transaction }) => transaction.level !== 0);
  const level = taken === undefined ? 0 : parts.level;
  const executed = execution.finish();
  const header = sealHeader(context, tip.hash, level, { seed, proof }, body, executed);
  const { transactions, parentVotes } = body;
  const hash = blockHash(expected !== undefined && equalHeaders(header, expected) ? expected : header);
  const committee = nextCommittee(rules, tip);
  const { height, time, leader } = context;
  return {
    block: { header, transactions, parentVotes },
    hash,
    executed,
    tip: { chainId: tip.chainId, height, hash, time, seed, leader, committee, state: executed.state },
  };
}

function invalid(reason: BlockFault, detail: string): Judgement {
  return { ok: false, reason, detail };
}
