import {
  blockHash,
  decodeVote,
  rootsMatch,
  type Vote,
  type VoteFault,
  verifyProposal,
  verifyVote,
} from '../../chain/index.js';
import { type MemberVote, type RingSeat, verifySeed } from '../../consensus/index.js';
import { bytesToHex, equalBytes } from '../../crypto/index.js';
import { RateLimit } from '../../net/index.js';
import type { Driver } from './driver.js';
import { EarlyMessages, type Received } from './early.js';
import { type HeightWork, toMemberVote } from './height.js';
import { decodeMessage, type SignedProposal } from './message.js';
import type { Witness } from './witness.js';

/** What the network thinks of a message afterwards. */
export type Verdict = 'accept' | 'reject' | 'ignore';

/**
 * Why a message was not taken. Up to 'wrong-body' it is an offence of whoever delivers it ("reject": nobody who
 * follows the protocol sends or passes it on); the others happen among the honest.
 *
 *   malformed, wrong-chain, empty-value   not a message, or not a vote, of this chain
 *   no-votes, too-many-votes, mixed-heights
 *   not-a-member, not-the-leader          by a key that has no say at this height
 *   bad-signature, bad-seed-proof
 *   wrong-body                            the leader's header with another body than the one it names
 *   decided      of a height that is decided: its sender is behind, and told so
 *   far-height   more than two heights ahead: its sender is asked for the blocks between
 *   crowded      too early, and made room for others
 *   rate         its deliverer costs more signature checks than one peer may
 */
export type InboxFault =
  | VoteFault
  | 'no-votes'
  | 'too-many-votes'
  | 'mixed-heights'
  | 'not-a-member'
  | 'not-the-leader'
  | 'bad-signature'
  | 'bad-seed-proof'
  | 'wrong-body'
  | 'decided'
  | 'far-height'
  | 'crowded'
  | 'rate';

const noOffence: ReadonlySet<InboxFault> = new Set(['decided', 'far-height', 'crowded', 'rate']);

const SEEN_MAX = 20_000;
/** Signature checks that one peer may cause: a tenth of a core for good, more for a moment. */
const CHECKS = { perSecond: 1_000, burst: 8_000 } as const;
/** A seed's proof costs as much as so many signatures. */
const SEED_PROOF_CHECKS = 25;
const PEERS_MAX = 256;

export interface InboxOptions {
  readonly driver: Pick<Driver, 'tip' | 'work' | 'input' | 'propose' | 'addParentVote'>;
  readonly chainId: Uint8Array;
  /** What is heard of decided heights. */
  readonly witness: Witness;
  /** A monotonic clock in milliseconds. */
  readonly now: () => number;
  /** `from` says that it stands at `height`, in `period` of the next one. */
  readonly onStatus: (from: string, height: number, period: number) => void;
  /** `from` speaks of `height`, which is decided. */
  readonly onBehind: (from: string, height: number) => void;
  /** A message that had to wait turned out to be an offence; of others the verdict tells. */
  readonly onOffence: (from: string, fault: InboxFault) => void;
}

/**
 * Takes gossip in: everything is verified here, before the machine or the queue sees it, cheap checks first.
 *
 * Messages for the next two heights wait (bounded); those for decided heights show that their sender is behind,
 * which `onBehind` hears. What is refused is counted by reason.
 */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #early = new EarlyMessages();
  readonly #seen = new Set<string>();
  readonly #checks: RateLimit;
  readonly #refused = new Map<InboxFault, number>();

  constructor(options: InboxOptions) {
    this.#options = options;
    const unbounded = { perSecond: 0, burst: Number.POSITIVE_INFINITY };
    this.#checks = new RateLimit({
      messages: unbounded,
      bytes: CHECKS,
      peersMax: PEERS_MAX,
      now: options.now,
    });
  }

  receive(raw: Uint8Array, from: string): Verdict {
    const message = decodeMessage(raw);
    if (message === null) return this.#judged('malformed');
    return this.#judged(this.#take({ message, from, bytes: raw.length }));
  }

  /** A new height has begun: what came too early may fit now. */
  replay(): void {
    for (const received of this.#early.take()) {
      const outcome = this.#take(received);
      if (this.#judged(outcome) === 'reject') this.#options.onOffence(received.from, outcome as InboxFault);
    }
  }

  /** Messages refused since the start, by reason. */
  refused(): ReadonlyMap<InboxFault, number> {
    return this.#refused;
  }

  #judged(outcome: Verdict | InboxFault): Verdict {
    if (outcome === 'accept' || outcome === 'ignore' || outcome === 'reject') return outcome;
    this.#refused.set(outcome, (this.#refused.get(outcome) ?? 0) + 1);
    return noOffence.has(outcome) ? 'ignore' : 'reject';
  }

  #take(received: Received): Verdict | InboxFault {
    const { message, from } = received;
    switch (message.kind) {
      case 'status':
        this.#options.onStatus(from, message.status.height, message.status.period);
        return 'ignore';
      case 'proposal':
        return this.#takeProposal(message.proposal, received);
      case 'votes':
        return this.#takeVotes(message.votes, received);
      default:
        return message satisfies never;
    }
  }

  #takeProposal(proposal: SignedProposal, received: Received): Verdict | InboxFault {
    const { chainId, driver } = this.#options;
    const { header } = proposal.block;
    if (!equalBytes(header.chainId, chainId)) return 'wrong-chain';
    const work = this.#workAt(header.height, received);
    if (typeof work === 'string') return this.#witnessBlock(proposal, received.from) ?? work;
    if (isKnownProposal(work, proposal)) return 'accept';
    if (!this.#checks.take(received.from, 1 + SEED_PROOF_CHECKS)) return 'rate';
    const fault = proposalFault(chainId, work, proposal);
    if (fault !== null) return fault;
    driver.propose(work, proposal, received.from);
    return 'accept';
  }

  #takeVotes(raws: readonly Uint8Array[], received: Received): Verdict | InboxFault {
    const { chainId, driver, witness } = this.#options;
    if (raws.length === 0) return 'no-votes';
    // By the first one's height most of a flood is told apart, at the cost of one vote.
    const first = decodeVote(chainId, raws[0]!);
    if (!first.ok) return first.reason;
    const { height } = first.vote;
    const late = height === driver.tip.height;
    const work = late ? null : this.#workAt(height, received);
    const remembered = typeof work === 'string' ? witness.committee(height) : null;
    if (typeof work === 'string' && remembered === null) return work;
    const { committee } = typeof work === 'string' || work === null ? driver.tip : work;
    if (raws.length > votesMax(remembered ?? committee)) return 'too-many-votes';
    const votes = [first.vote];
    for (const raw of raws.slice(1)) {
      const decoded = decodeVote(chainId, raw);
      if (!decoded.ok) return decoded.reason;
      if (decoded.vote.height !== height) return 'mixed-heights';
      votes.push(decoded.vote);
    }
    if (typeof work === 'string') return this.#witness(votes, received.from) ?? work;
    return work === null ? this.#takeLate(votes, received.from) : this.#hand(work, votes, received.from);
  }

  /** Votes about a decided height: each may be the second of two that no honest member signs. */
  #witness(votes: readonly Vote[], from: string): InboxFault | null {
    const { witness } = this.#options;
    for (const vote of votes) {
      if (!witness.isNews(vote)) continue;
      const fault = this.#signatureFault(vote, from);
      if (fault !== null) return fault;
      witness.take(vote);
    }
    return null;
  }

  #witnessBlock({ block: { header }, signature }: SignedProposal, from: string): InboxFault | null {
    const { witness, chainId } = this.#options;
    const { height, leader } = header;
    const hash = blockHash(header);
    if (leader === null || !witness.isNewBlock(height, leader, bytesToHex(hash))) return null;
    if (!this.#checks.take(from, 1)) return 'rate';
    if (!verifyProposal(chainId, leader, height, hash, signature)) return 'bad-signature';
    witness.takeBlock(height, bytesToHex(hash), signature);
    return null;
  }

  /** Votes of the present height. Those that the machine has already cost no signature check. */
  #hand(work: HeightWork, votes: readonly Vote[], from: string): Verdict | InboxFault {
    const members = votes.map(({ voter }) => work.indexOf.get(bytesToHex(voter)));
    if (members.includes(undefined)) return 'not-a-member';
    const given = votes.map((vote, i) => toMemberVote(vote, members[i]!));
    const fresh = given.flatMap((vote, i) => (isTallied(work, vote) ? [] : [{ vote, wire: votes[i]! }]));
    for (const { wire } of fresh) {
      const fault = this.#signatureFault(wire, from);
      if (fault !== null) return fault;
    }
    // A repeat is passed on: it may be on its way to somebody who missed the first one.
    if (fresh.length > 0)
      this.#options.driver.input(work, { kind: 'votes', votes: fresh.map(({ vote }) => vote) });
    return 'accept';
  }

  /** Votes for the block that was just decided: late cert votes still count as presence; the sender is behind. */
  #takeLate(votes: readonly Vote[], from: string): Verdict | InboxFault {
    const { driver, onBehind } = this.#options;
    const { tip } = driver;
    let fresh = false;
    for (const vote of votes) {
      if (!tip.committee.some((seat) => equalBytes(seat.publicKey, vote.voter))) return 'not-a-member';
      if (vote.step !== 'cert' || vote.value === null || !equalBytes(vote.value, tip.hash)) continue;
      const fault = this.#signatureFault(vote, from);
      if (fault !== null) return fault;
      fresh = driver.addParentVote(vote) || fresh;
    }
    const fault = this.#witness(votes, from);
    if (fault !== null) return fault;
    if (fresh) return 'accept';
    onBehind(from, tip.height);
    return 'decided';
  }

  /** The work on a height, or why there is none. */
  #workAt(height: number, received: Received): HeightWork | InboxFault | 'ignore' {
    const { driver, onBehind, onStatus } = this.#options;
    const { tip, work } = driver;
    if (height <= tip.height) {
      onBehind(received.from, height);
      return 'decided';
    }
    if (work?.height === height) return work;
    if (height <= tip.height + 2) return this.#early.add(received) > 0 ? 'crowded' : 'ignore';
    onStatus(received.from, height - 1, 0);
    return 'far-height';
  }

  /** Re-sent votes come again and again: a signature is checked once. */
  #signatureFault(vote: Vote, from: string): 'bad-signature' | 'rate' | null {
    const id =
      bytesToHex(vote.signature) + bytesToHex(vote.voter) + String(vote.value && bytesToHex(vote.value));
    const key = `${vote.height}/${vote.period}/${vote.step}/${id}`;
    if (this.#seen.has(key)) return null;
    if (!this.#checks.take(from, 1)) return 'rate';
    if (!verifyVote(this.#options.chainId, vote.voter, vote, vote.signature)) return 'bad-signature';
    if (this.#seen.size >= SEEN_MAX) this.#seen.clear();
    this.#seen.add(key);
    return null;
  }
}

/** An honest member sends its own votes, a soft quorum's and a next quorum's: two of the committee and a few. */
function votesMax(committee: readonly RingSeat[]): number {
  return 4 * committee.length + 8;
}

/** The machine has this very vote. */
function isTallied({ machine }: HeightWork, { period, step, member, value, signature }: MemberVote): boolean {
  const known = machine.tally.periods.get(period)?.[step].votes;
  return (
    known?.some((vote) => vote.member === member && vote.value === value && vote.signature === signature) ??
    false
  );
}

/** A leader's block that was checked before comes again, as it does until the height is decided. */
function isKnownProposal(work: HeightWork, { block, signature }: SignedProposal): boolean {
  const value = bytesToHex(blockHash(block.header));
  const known = work.announced.has(value) ? work.proposals.get(value) : undefined;
  return known !== undefined && equalBytes(known.signature, signature) && rootsMatch(block);
}

/** What nobody but the leader can have made: its signature, its seed proof, the body that its header names. */
export function proposalFault(
  chainId: Uint8Array,
  work: HeightWork,
  { block, signature }: SignedProposal,
): 'not-the-leader' | 'bad-signature' | 'bad-seed-proof' | 'wrong-body' | null {
  const { header } = block;
  const leader = work.committee[0]!;
  if (header.leader === null || !equalBytes(header.leader, leader.publicKey)) return 'not-the-leader';
  if (!verifyProposal(chainId, leader.publicKey, header.height, blockHash(header), signature))
    return 'bad-signature';
  // The signature is under the header: with another body a valid block would look invalid for good.
  if (!rootsMatch(block)) return 'wrong-body';
  if (header.seedProof === null) return 'bad-seed-proof';
  const claim = {
    vrfPublicKey: leader.vrfPublicKey,
    height: header.height,
    parentSeed: work.tip.seed,
    proof: header.seedProof,
  };
  return verifySeed(claim) === null ? 'bad-seed-proof' : null;
}
