import type { Certificate, ParentVote, Vote } from '../../chain/index.js';
import {
  type AgreementInput,
  type Evidence,
  isOffence,
  type MemberVote,
  type RingSeat,
  type Tip,
} from '../../consensus/index.js';
import { bytesToHex, hexToBytes } from '../../crypto/index.js';
import { statementOf } from './evidence.js';
import { type HeightWork, toMemberVote, votesOfCertificate } from './height.js';

/** Decided heights whose votes are remembered, and votes of all of them; the oldest heights make room. */
export const WITNESS_BOUNDS = { heights: 512, votes: 32_768, votesOfMember: 32, proposals: 4 } as const;

/** What the store still has of a height that an earlier life decided. */
export interface Recalled {
  readonly committee: readonly RingSeat[];
  /** Of the decided block. */
  readonly hash: Uint8Array;
  /** Cert votes for it. */
  readonly votes: readonly ParentVote[];
}

export interface WitnessOptions {
  /** Heights for which evidence is taken. */
  readonly window: number;
  readonly onOffence: (evidence: Evidence) => void;
  /** The head that this life began with, and what is known of heights up to it. Default: no life before. */
  readonly before?: { readonly height: number; readonly recall: (height: number) => Recalled | null };
}

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
 * knows the cert votes alone; so too of those that an earlier life decided, read when somebody first speaks of one.
 */
export class Witness {
  /** In the order of heights. */
  #heights = new Map<number, Decided | Pulled>();
  readonly #options: WitnessOptions;
  /** Heights of an earlier life that were looked up, found or not: each costs one look. */
  readonly #recalled = new Set<number>();
  #newest: number;
  #votes = 0;

  constructor(options: WitnessOptions) {
    this.#options = options;
    this.#newest = options.before?.height ?? 0;
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
    addCertVotes(decided, height, hash, certificate);
    this.#add(height, decided);
  }

  /** A height was decided elsewhere. Cost: next to nothing, since most of them nobody ever speaks of again. */
  pulled({ height, committee, hash }: Tip, certificate: Certificate): void {
    this.#add(height, { committee, hash, certificate, votes: certificate.signatures });
  }

  #add(height: number, decided: Decided | Pulled): void {
    this.#newest = height;
    this.#heights.set(height, decided);
    this.#votes += decided.votes.length;
    this.#forget();
  }

  /** The committee of a decided height that is remembered; null: it is not. */
  committee(height: number): readonly RingSeat[] | null {
    return this.#at(height)?.committee ?? null;
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

  #at(height: number): Decided | undefined {
    const known = this.#heights.get(height);
    if (known !== undefined) return this.#opened(height, known);
    const { before } = this.#options;
    if (before === undefined) return undefined;
    if (height > before.height || height <= this.#oldest || this.#recalled.has(height)) return undefined;
    this.#recalled.add(height);
    const found = before.recall(height);
    if (found === null) return undefined;
    const decided = decidedAt(height, found.committee, found.hash, found.votes);
    this.#heights = new Map([...this.#heights, [height, decided] as const].sort(([a], [b]) => a - b));
    this.#votes += decided.votes.length;
    this.#forget();
    return this.#heights.has(height) ? decided : undefined;
  }

  #opened(height: number, known: Decided | Pulled): Decided {
    if (!('certificate' in known)) return known;
    const { committee, hash, certificate } = known;
    const decided = decidedAt(height, committee, hash, votesOfCertificate({ committee }, certificate));
    this.#heights.set(height, decided);
    return decided;
  }

  /** This height and those before it are forgotten. */
  get #oldest(): number {
    return this.#newest - Math.min(WITNESS_BOUNDS.heights, this.#options.window);
  }

  #forget(): void {
    for (const [height, { votes }] of this.#heights) {
      if (height > this.#oldest && this.#votes <= WITNESS_BOUNDS.votes) return;
      this.#heights.delete(height);
      this.#votes -= votes.length;
    }
  }
}

function addCertVotes(
  { indexOf, votes }: Decided,
  height: number,
  hash: Uint8Array,
  certificate: readonly ParentVote[],
): void {
  for (const { voter, period, signature } of certificate) {
    const member = indexOf.get(bytesToHex(voter));
    if (member === undefined) continue;
    const own = toMemberVote({ height, period, step: 'cert', value: hash, voter, signature }, member);
    if (!votes.some((known) => isSame(known, own))) votes.push(own);
  }
}

function decidedAt(
  height: number,
  committee: readonly RingSeat[],
  hash: Uint8Array,
  votes: readonly ParentVote[],
): Decided {
  const indexOf = new Map(committee.map(({ publicKey }, index) => [bytesToHex(publicKey), index]));
  const decided: Decided = { committee, indexOf, votes: [], proposals: new Map() };
  addCertVotes(decided, height, hash, votes);
  return decided;
}

function isNews({ votes }: Decided, vote: MemberVote): boolean {
  const known = votes.filter(({ member }) => member === vote.member);
  return known.length < WITNESS_BOUNDS.votesOfMember && !known.some((other) => isSame(other, vote));
}

function isSame(a: MemberVote, b: MemberVote): boolean {
  return a.member === b.member && a.period === b.period && a.step === b.step && a.value === b.value;
}
