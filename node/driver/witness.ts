import type { Certificate, ParentVote, Vote } from '../../chain/index.js';
import {
  type AgreementInput,
  type Evidence,
  isOffence,
  type MemberVote,
  type RingSeat,
  signersOf,
  type Tip,
} from '../../consensus/index.js';
import { bytesToHex, hexToBytes } from '../../crypto/index.js';
import { statementOf } from './evidence.js';
import { type HeightWork, toMemberVote } from './height.js';

/** Decided heights whose votes are remembered, and votes of all of them; the oldest heights make room. */
export const WITNESS_BOUNDS = { heights: 512, votes: 32_768, votesOfMember: 32, proposals: 4 } as const;

/** What was said at a decided height, each signature verified. */
interface Decided {
  readonly committee: readonly RingSeat[];
  readonly indexOf: ReadonlyMap<string, number>;
  readonly votes: MemberVote[];
  /** The leader's blocks by hash, with its signature. */
  readonly proposals: Map<string, Uint8Array>;
}

/** A height that was pulled from others: what its certificate says, looked at when somebody asks. */
interface Pulled {
  readonly committee: readonly RingSeat[];
  readonly hash: Uint8Array;
  readonly certificate: Certificate;
  /** How many. */
  readonly votes: { readonly length: number };
}

/**
 * Remembers who said what at the heights decided last, so that the second of two contradicting statements is an
 * offence also when it comes after the decision: whoever equivocates may well send it late.
 *
 * Bounded by `WITNESS_BOUNDS` and by the age window of evidence. Of heights that this node pulled from others it
 * knows the certificate's votes alone, and after a restart nothing: the others were there.
 */
export class Witness {
  readonly #heights = new Map<number, Decided | Pulled>();
  readonly #options: {
    /** Heights for which evidence is taken. */
    readonly window: number;
    readonly onOffence: (evidence: Evidence) => void;
  };
  #votes = 0;

  constructor(options: {
    readonly window: number;
    readonly onOffence: (evidence: Evidence) => void;
  }) {
    this.#options = options;
  }

  /** How many votes are remembered. */
  get size(): number {
    return this.#votes;
  }

  /** A height was decided, `hash` by these cert votes of one period. */
  decided(work: HeightWork, hash: Uint8Array, certificate: readonly ParentVote[]): void {
    const { height, committee, indexOf, machine, proposals, announced } = work;
    const votes = [...machine.tally.periods.values()].flatMap(({ soft, cert, next }) => [
      ...soft.votes,
      ...cert.votes,
      ...next.votes,
    ]);
    const decided: Decided = {
      committee,
      indexOf,
      votes,
      // Those whose signature was checked; a block that was asked for by its hash may have come with any.
      proposals: new Map(
        [...proposals]
          .filter(([value]) => announced.has(value))
          .map(([value, { signature }]) => [value, signature]),
      ),
    };
    for (const { voter, period, signature } of certificate) {
      const vote: Vote = { height, period, step: 'cert', value: hash, voter, signature };
      const member = indexOf.get(bytesToHex(voter));
      if (member === undefined) continue;
      const own = toMemberVote(vote, member);
      if (!votes.some((known) => isSame(known, own))) votes.push(own);
    }
    this.#add(height, decided);
  }

  /** A height was decided elsewhere. Cost: next to nothing, since most of them nobody ever speaks of again. */
  pulled({ height, committee, hash }: Tip, certificate: Certificate): void {
    this.#add(height, { committee, hash, certificate, votes: certificate.signatures });
  }

  #add(height: number, decided: Decided | Pulled): void {
    this.#heights.set(height, decided);
    this.#votes += decided.votes.length;
    this.#forget(height - Math.min(WITNESS_BOUNDS.heights, this.#options.window));
  }

  #at(height: number): Decided | undefined {
    const known = this.#heights.get(height);
    if (known === undefined || !('certificate' in known)) return known;
    const decided = decidedBy(height, known);
    this.#heights.set(height, decided);
    return decided;
  }

  /** The committee of a decided height that is remembered; null: it is not. */
  committee(height: number): readonly RingSeat[] | null {
    return this.#heights.get(height)?.committee ?? null;
  }

  /** Worth the check of its signature: a member's vote at a remembered height that was not heard before. */
  isNews(vote: Vote): boolean {
    const at = this.#find(vote);
    return at !== null && isNews(at.decided, at.own);
  }

  /** A late vote, its signature verified. */
  take(vote: Vote): void {
    const at = this.#find(vote);
    if (at !== null) this.#note(at.decided, at.own);
  }

  /** What the machine was about to be told when its height was decided. */
  missed({ height, proposals }: HeightWork, input: AgreementInput): void {
    const decided = this.#at(height);
    if (decided === undefined) return;
    const votes = input.kind === 'votes' ? input.votes : input.kind === 'vote' ? [input.vote] : [];
    for (const vote of votes) {
      if (isNews(decided, vote)) this.#note(decided, vote);
    }
    const block = input.kind === 'proposal' ? proposals.get(input.value) : undefined;
    if (block !== undefined && input.kind === 'proposal')
      this.takeBlock(height, input.value, block.signature);
  }

  #note(decided: Decided, own: MemberVote): void {
    const second = statementOf(own);
    const first = decided.votes
      .filter(({ member, period }) => member === own.member && period === own.period)
      .map(statementOf)
      .find((other) => isOffence(other, second));
    decided.votes.push(own);
    this.#votes += 1;
    if (first === undefined) return;
    const accused = decided.committee[own.member]!.publicKey;
    this.#options.onOffence({ accused, height: own.height, first, second });
  }

  /** The same for a block of the leader. */
  isNewBlock(height: number, leader: Uint8Array | null, value: string): boolean {
    const decided = this.#at(height);
    if (decided === undefined || leader === null) return false;
    const { proposals, indexOf } = decided;
    return (
      indexOf.get(bytesToHex(leader)) === 0 &&
      proposals.size < WITNESS_BOUNDS.proposals &&
      !proposals.has(value)
    );
  }

  /** A late block of the leader, its signature verified. */
  takeBlock(height: number, value: string, signature: Uint8Array): void {
    const decided = this.#at(height);
    if (decided === undefined) return;
    const known = [...decided.proposals].find(([other]) => other !== value);
    decided.proposals.set(value, signature);
    if (known === undefined) return;
    const [first, second] = [known, [value, signature] as const].map(
      ([hash, signed]) =>
        ({ step: 'propose', period: 0, value: hexToBytes(hash), signature: signed }) as const,
    );
    const accused = decided.committee[0]!.publicKey;
    this.#options.onOffence({ accused, height, first: first!, second: second! });
  }

  #find(vote: Vote): { readonly decided: Decided; readonly own: MemberVote } | null {
    const decided = this.#at(vote.height);
    const member = decided?.indexOf.get(bytesToHex(vote.voter));
    return decided === undefined || member === undefined
      ? null
      : { decided, own: toMemberVote(vote, member) };
  }

  /** Heights come in order, so the first is the oldest. */
  #forget(through: number): void {
    for (const [height, { votes }] of this.#heights) {
      if (height > through && this.#votes <= WITNESS_BOUNDS.votes) return;
      this.#heights.delete(height);
      this.#votes -= votes.length;
    }
  }
}

function decidedBy(height: number, { committee, hash, certificate }: Pulled): Decided {
  const { period, signatures } = certificate;
  const votes = signersOf(certificate).map((member, i) => {
    const voter = committee[member]!.publicKey;
    return toMemberVote(
      { height, period, step: 'cert', value: hash, voter, signature: signatures[i]! },
      member,
    );
  });
  const indexOf = new Map(committee.map((seat, index) => [bytesToHex(seat.publicKey), index]));
  return { committee, indexOf, votes, proposals: new Map() };
}

function isNews({ votes }: Decided, vote: MemberVote): boolean {
  const known = votes.filter(({ member }) => member === vote.member);
  return known.length < WITNESS_BOUNDS.votesOfMember && !known.some((other) => isSame(other, vote));
}

function isSame(a: MemberVote, b: MemberVote): boolean {
  return a.member === b.member && a.period === b.period && a.step === b.step && a.value === b.value;
}
