import { decodeVote } from '../../chain/index.js';
import type { MemberVote } from '../../consensus/index.js';
import { bytesToHex } from '../../crypto/index.js';
import type { Store, StoredRecord } from '../store/index.js';
import { type HeightWork, toMemberVote } from './height.js';
import { decodeProposal, encodeProposal, type SignedProposal } from './message.js';

/** What a node has bound itself to at a height that isn't decided. */
export interface OwnRecords {
  readonly ownRecords: readonly MemberVote[];
  /** The next quorum that let it into its period, and the soft quorum that its votes rest on. */
  readonly justification: readonly MemberVote[];
  /** The own block, if this node leads the height and has made one. */
  readonly proposal: SignedProposal | null;
  /** Blocks that it voted for. */
  readonly blocks: readonly SignedProposal[];
}

/** Reads a height's records back after a restart. A damaged one is no excuse to vote twice: it throws. */
export function readRecords(
  store: Store,
  chainId: Uint8Array,
  height: number,
  indexOf: ReadonlyMap<string, number>,
): OwnRecords {
  const ownRecords: MemberVote[] = [];
  const justification: MemberVote[] = [];
  const blocks: SignedProposal[] = [];
  let proposal: SignedProposal | null = null;
  for (const { key, value } of store.records(height)) {
    const kind = key.split('/')[0]!;
    if (kind === 'proposal' || kind === 'block') {
      const decoded = decodeProposal(value);
      if (decoded === null) throw damaged(height, key);
      if (kind === 'proposal') proposal = decoded;
      else blocks.push(decoded);
      continue;
    }
    const decoded = decodeVote(chainId, value);
    const member = decoded.ok ? indexOf.get(bytesToHex(decoded.vote.voter)) : undefined;
    if (!decoded.ok || member === undefined) throw damaged(height, key);
    (kind === 'vote' ? ownRecords : justification).push(toMemberVote(decoded.vote, member));
  }
  // The newest count: the next quorum that let the node into its period, and the soft quorum its votes rest on.
  const newest = Math.max(-1, ...justification.map(({ period }) => period));
  return {
    ownRecords,
    justification: justification.filter(({ period }) => period >= newest - 1),
    proposal,
    blocks,
  };
}

/** What goes to disk before a vote leaves: the vote, what justifies its period, and the block it is for. */
export function voteRecords(
  vote: MemberVote,
  justification: readonly MemberVote[],
  wire: readonly Uint8Array[],
  block: SignedProposal | undefined,
): readonly { readonly key: string; readonly value: Uint8Array }[] {
  return [
    { key: `vote/${vote.period}/${vote.step}/${vote.value ?? 'bottom'}`, value: wire[0]! },
    ...justification.map(({ member, period, step }, i) => ({
      key: `justification/${period}/${step}/${member}`,
      value: wire[i + 1]!,
    })),
    ...(block === undefined ? [] : [{ key: `block/${vote.value}`, value: encodeProposal(block) }]),
  ];
}

/** The block that a vote is for, unless it is on disk: an own one is before it leaves, another's with the first vote. */
export function blockToStore(
  { proposals }: Pick<HeightWork, 'proposals'>,
  value: string | null,
  known: readonly StoredRecord[],
): SignedProposal | undefined {
  const proposal = value === null ? undefined : proposals.get(value);
  const stored = proposal?.from === null || known.some(({ key }) => key === `block/${value}`);
  return stored ? undefined : proposal;
}

/**
 * Keys of records that bind no more once a vote of `period` is on disk: own votes of periods before it, and what
 * justified those. The next quorum beside that vote takes a member back to this period, never to an earlier one.
 */
export function recordsOver(known: readonly StoredRecord[], period: number): readonly string[] {
  const over = (key: string): boolean => {
    const [kind, of] = key.split('/');
    return (kind === 'vote' && Number(of) < period) || (kind === 'justification' && Number(of) < period - 1);
  };
  return known.map(({ key }) => key).filter(over);
}

function damaged(height: number, key: string): Error {
  return new Error(`the record ${key} of height ${height} is damaged: this node cannot know what it voted`);
}
