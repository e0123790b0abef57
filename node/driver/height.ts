import {
  type Block,
  type Certificate,
  encodeVote,
  type ParentVote,
  type PayloadRef,
  signVote,
  type Vote,
} from '../../chain/index.js';
import {
  type AgreementState,
  type AgreementVote,
  type Judged,
  type MemberVote,
  proveSeed,
  type RingSeat,
  signersOf,
  type Tip,
} from '../../consensus/index.js';
import type { Closings } from '../../contracts/index.js';
import { bytesToHex, hexToBytes } from '../../crypto/index.js';
import type { Commit } from '../store/index.js';
import type { Clock } from './clock.js';
import { namedBy } from './closings.js';
import type { SignedProposal } from './message.js';

/** Everything the driver holds for the height that is being agreed on. It goes when the height is decided. */
export interface HeightWork {
  readonly height: number;
  readonly tip: Tip;
  readonly committee: readonly RingSeat[];
  /** Hex public key of a member to its index. */
  readonly indexOf: ReadonlyMap<string, number>;
  readonly self: number | null;
  readonly closings: Closings;
  readonly empty: Judged;
  readonly proposals: Map<string, SignedProposal & { readonly from: string | null }>;
  /** Values that were handed to the machine as proposals. */
  readonly announced: Set<string>;
  readonly judged: Map<string, Judged>;
  readonly timers: Map<string, () => void>;
  readonly abort: AbortController;
  machine: AgreementState;
  /** Of the leader alone, once somebody asked for it. */
  provedSeed: ReturnType<typeof proveSeed> | null;
}

/** The seed that this node would lead its height with. Some milliseconds the first time: an idle leader asks early. */
export function ownSeed(work: HeightWork, vrfSecret: Uint8Array): ReturnType<typeof proveSeed> {
  work.provedSeed ??= proveSeed(vrfSecret, work.height, work.tip.seed);
  return work.provedSeed;
}

/** A verified vote in the machine's terms. */
export function toMemberVote(vote: Vote, member: number): MemberVote {
  const { height, period, step } = vote;
  const value = vote.value === null ? null : bytesToHex(vote.value);
  return { height, period, step, value, member, signature: bytesToHex(vote.signature) };
}

/** A member's vote as it travels. */
export function toWire(chainId: Uint8Array, committee: readonly RingSeat[], vote: MemberVote): Uint8Array {
  const { height, period, step } = vote;
  return encodeVote(chainId, {
    height,
    period,
    step,
    value: vote.value === null ? null : hexToBytes(vote.value),
    voter: committee[vote.member]!.publicKey,
    signature: hexToBytes(vote.signature),
  });
}

export function signMemberVote(
  chainId: Uint8Array,
  vote: AgreementVote,
  member: number,
  publicKey: Uint8Array,
  secret: Uint8Array,
): MemberVote {
  const value = vote.value === null ? null : hexToBytes(vote.value);
  const { height, period, step } = vote;
  return toMemberVote(signVote(chainId, { height, period, step, value }, publicKey, secret), member);
}

/** Cert votes of one period for a decided block, as the next leader's block carries them: sorted by voter. */
export function toParentVotes(
  committee: readonly RingSeat[],
  votes: readonly MemberVote[],
): readonly ParentVote[] {
  return votes
    .map(({ member, period, signature }) => ({
      voter: committee[member]!.publicKey,
      period,
      signature: hexToBytes(signature),
    }))
    .sort((a, b) => Buffer.compare(a.voter, b.voter));
}

/** A block, executed, and what decided it. */
export interface Decided {
  readonly judged: Judged;
  readonly certificate: Certificate;
  /** Payloads for which marks stood: those that it announces, and those that its closings name. */
  readonly absent?: readonly PayloadRef[];
}

/** What goes to disk. `work`: that of the first height, if this node worked on it. */
export function commitsOf(run: readonly Decided[], work: HeightWork | null): readonly Commit[] {
  const named = namedBy(work?.closings ?? new Map());
  return run.map(({ judged: { block, hash, executed }, certificate, absent = named }) => {
    const { state, changes, receipts, receiptsRoot, payloads } = executed;
    return { block, hash, certificate, absent, state, changes, receipts, receiptsRoot, payloads };
  });
}

/** Payloads that a block announces and the store lacks. */
export function missingPayloads(
  block: Block,
  has: (id: Uint8Array) => boolean,
): readonly { readonly id: Uint8Array; readonly size: number }[] {
  return block.transactions.flatMap(({ payloads }) => payloads).filter(({ id }) => !has(id));
}

/** The votes in a certificate, as parent votes. */
export function votesOfCertificate(
  tip: Pick<Tip, 'committee'>,
  certificate: Certificate,
): readonly ParentVote[] {
  return signersOf(certificate)
    .map((member, i) => ({
      voter: tip.committee[member]!.publicKey,
      period: certificate.period,
      signature: certificate.signatures[i]!,
    }))
    .sort((a, b) => Buffer.compare(a.voter, b.voter));
}

/** Waits so long, or until the height is over. */
export function pause(clock: Clock, { abort }: HeightWork, ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (abort.signal.aborted) return resolve();
    const cancel = clock.after(ms, resolve);
    const end = () => {
      cancel();
      resolve();
    };
    abort.signal.addEventListener('abort', end, { once: true });
  });
}
