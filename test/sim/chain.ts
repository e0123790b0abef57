import type { AgreementVote, MemberVote } from '../../consensus/index.js';

/** A block, as far as the network cares. `value` is its hash: nobody writes another block under it. */
export interface SimBlock {
  readonly height: number;
  readonly value: string;
  /** Node that made it; null for E_h. */
  readonly leader: number | null;
  /** Bytes that it announces; they take their time on the wire. */
  readonly payloadBytes: number;
  /** Votes on who joins and leaves: its transactions. */
  readonly approvals: readonly Approval[];
}

/** A validator that joins or leaves. */
export interface Change {
  readonly kind: 'join' | 'leave';
  readonly node: number;
}

/** One validator's signed vote for a change. */
export interface Approval {
  readonly by: number;
  readonly change: Change;
}

/** The end of one node's chain. */
export interface SimTip {
  readonly height: number;
  readonly value: string;
  /** Root of the state after this very block. */
  readonly stateRoot: string;
  /** The certificate by which this node came here. It differs from node to node: no rule may look at it. */
  readonly votes: readonly MemberVote[];
}

/** What a leader puts into a block. */
export interface Draft {
  readonly now: number;
  readonly payloadBytes: number;
  /** Cert votes of the parent, of one period. */
  readonly parentVotes: readonly MemberVote[];
  /** Those that it knows of; what can't stand here is left out. */
  readonly approvals: readonly Approval[];
  /** What a dishonest leader does wrong: a seed that its proof doesn't yield, or a body that can't be executed. */
  readonly fault: 'seed' | 'body' | null;
}

/**
 * What blocks are and who may sign what: everything around the agreement machine that is not agreement.
 * `stubChain` for speed, `realChain` with the rooms' own seeds, committees, blocks, signatures and certificates.
 * Nodes are named by index, members by their place in a height's committee.
 */
export interface SimChain {
  readonly genesis: SimTip;
  readonly eraHeights: number;
  /** The nodes of the committee of the height after the tip, in order; the first leads. */
  committee(tip: SimTip): readonly number[];
  /** The nodes that have seats after the tip, sorted: the rings follow with their lag. */
  seats(tip: SimTip): readonly number[];
  /** Null if the chain has this approval or no use for it. */
  approve(tip: SimTip, node: number, change: Change): Approval | null;
  empty(tip: SimTip): SimBlock;
  build(tip: SimTip, leader: number, draft: Draft): SimBlock;
  /** Leader, its signature and its seed proof: checked before the machine hears of a block. */
  isLeaders(tip: SimTip, block: SimBlock): boolean;
  /** Checks and executes a block, E_h too; null if it is invalid. */
  execute(tip: SimTip, block: SimBlock): SimTip | null;
  sign(node: number, member: number, vote: AgreementVote): MemberVote;
  /** Whether `node` made this signature under this vote. */
  isSigned(node: number, vote: MemberVote): boolean;
  /** Whether these votes are a certificate for the value at the height after the tip. */
  certifies(tip: SimTip, value: string, votes: readonly MemberVote[]): boolean;
}
