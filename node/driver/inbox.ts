import { blockHash, decodeVote, type Vote, verifyProposal, verifyVote } from '../../chain/index.js';
import { type MemberVote, verifySeed } from '../../consensus/index.js';
import { bytesToHex, equalBytes } from '../../crypto/index.js';
import type { Driver } from './driver.js';
import { type HeightWork, toMemberVote } from './height.js';
import { type ConsensusMessage, decodeMessage, type SignedProposal } from './message.js';

/** What the network thinks of a message afterwards. */
export type Verdict = 'accept' | 'reject' | 'ignore';

const EARLY_MAX = 512;
const EARLY_BYTES_MAX = 16 * 1024 * 1024;
const SEEN_MAX = 20_000;

interface Received {
  readonly message: ConsensusMessage;
  readonly from: string;
  /** As it came. */
  readonly bytes: number;
}

/**
 * Takes gossip in: everything is verified here, before the machine or the queue sees it.
 *
 * Messages for the height after the present one wait (bounded); those for decided heights show that their
 * sender is behind, which `onBehind` hears.
 */
export class Inbox {
  readonly #driver: Driver;
  readonly #chainId: Uint8Array;
  readonly #onStatus: (from: string, height: number) => void;
  readonly #onBehind: (from: string) => void;
  readonly #early: Received[] = [];
  #earlyBytes = 0;
  readonly #seen = new Set<string>();

  constructor(options: {
    readonly driver: Driver;
    readonly chainId: Uint8Array;
    readonly onStatus: (from: string, height: number) => void;
    readonly onBehind: (from: string) => void;
  }) {
    this.#driver = options.driver;
    this.#chainId = options.chainId;
    this.#onStatus = options.onStatus;
    this.#onBehind = options.onBehind;
  }

  receive(raw: Uint8Array, from: string): Verdict {
    const message = decodeMessage(raw);
    return message === null ? 'reject' : this.#take({ message, from, bytes: raw.length });
  }

  /** A new height has begun: what came too early may fit now. */
  replay(): void {
    const waiting = this.#early.splice(0);
    this.#earlyBytes = 0;
    for (const received of waiting) this.#take(received);
  }

  #take(received: Received): Verdict {
    const { message, from } = received;
    switch (message.kind) {
      case 'status':
        this.#onStatus(from, message.status.height);
        return 'ignore';
      case 'proposal':
        return this.#takeProposal(message.proposal, received);
      case 'votes':
        return this.#takeVotes(message.votes, received);
      default:
        return message satisfies never;
    }
  }

  #takeProposal(proposal: SignedProposal, received: Received): Verdict {
    const { header } = proposal.block;
    if (!equalBytes(header.chainId, this.#chainId)) return 'reject';
    const work = this.#workAt(header.height, received);
    if (work === null) return 'ignore';
    if (!isLeadersProposal(this.#chainId, work, proposal)) return 'reject';
    this.#driver.propose(work, proposal, received.from);
    return 'accept';
  }

  #takeVotes(raws: readonly Uint8Array[], received: Received): Verdict {
    const votes: Vote[] = [];
    for (const raw of raws) {
      const decoded = decodeVote(this.#chainId, raw);
      if (!decoded.ok) return 'reject';
      votes.push(decoded.vote);
    }
    const height = votes[0]?.height ?? 0;
    if (votes.some((vote) => vote.height !== height)) return 'reject';
    if (height === this.#driver.tip.height) return this.#takeLate(votes, received.from);
    const work = this.#workAt(height, received);
    if (work === null) return 'ignore';
    const verified: MemberVote[] = [];
    for (const vote of votes) {
      const member = work.indexOf.get(bytesToHex(vote.voter));
      if (member === undefined || !this.#verify(vote)) return 'reject';
      verified.push(toMemberVote(vote, member));
    }
    this.#driver.input(work, { kind: 'votes', votes: verified });
    return 'accept';
  }

  /** Votes for the block that was just decided: late cert votes still count as presence; the sender is behind. */
  #takeLate(votes: readonly Vote[], from: string): Verdict {
    const { tip } = this.#driver;
    let fresh = false;
    for (const vote of votes) {
      if (vote.step !== 'cert' || vote.value === null || !equalBytes(vote.value, tip.hash)) continue;
      if (!tip.committee.some((seat) => equalBytes(seat.publicKey, vote.voter))) return 'ignore';
      if (!this.#verify(vote)) return 'reject';
      fresh = this.#driver.addParentVote(vote) || fresh;
    }
    if (!fresh) this.#onBehind(from);
    return fresh ? 'accept' : 'ignore';
  }

  #workAt(height: number, received: Received): HeightWork | null {
    const { tip, work } = this.#driver;
    if (height <= tip.height) this.#onBehind(received.from);
    else if (work?.height === height) return work;
    else if (height <= tip.height + 2) this.#keep(received);
    else this.#onStatus(received.from, height - 1);
    return null;
  }

  /** Nothing in an early message is verified yet, so it must cost little: the oldest make room. */
  #keep(received: Received): void {
    this.#early.push(received);
    this.#earlyBytes += received.bytes;
    while (this.#early.length > EARLY_MAX || this.#earlyBytes > EARLY_BYTES_MAX) {
      this.#earlyBytes -= this.#early.shift()!.bytes;
    }
  }

  /** Re-sent votes come again and again: a signature is checked once. */
  #verify(vote: Vote): boolean {
    const id =
      bytesToHex(vote.signature) + bytesToHex(vote.voter) + String(vote.value && bytesToHex(vote.value));
    const key = `${vote.height}/${vote.period}/${vote.step}/${id}`;
    if (this.#seen.has(key)) return true;
    if (!verifyVote(this.#chainId, vote.voter, vote, vote.signature)) return false;
    if (this.#seen.size >= SEEN_MAX) this.#seen.clear();
    this.#seen.add(key);
    return true;
  }
}

/** Leader, signature and seed proof: whatever fails here was made by no leader of this height. */
export function isLeadersProposal(
  chainId: Uint8Array,
  work: HeightWork,
  { block, signature }: SignedProposal,
): boolean {
  const { header } = block;
  const leader = work.committee[0]!;
  if (header.height !== work.height || header.leader === null || header.seedProof === null) return false;
  if (!equalBytes(header.leader, leader.publicKey)) return false;
  if (!verifyProposal(chainId, leader.publicKey, header.height, blockHash(header), signature)) return false;
  const claim = {
    vrfPublicKey: leader.vrfPublicKey,
    height: header.height,
    parentSeed: work.tip.seed,
    proof: header.seedProof,
  };
  return verifySeed(claim) !== null;
}
