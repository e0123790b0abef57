import { blockHash, decode, limits, rootsMatch, transactionFault } from '../../chain/index.js';
import { committeeOf, type RingSeat, ringCodec, type Tip, verifyCertificate } from '../../consensus/index.js';
import { equalBytes } from '../../crypto/index.js';
import { type Certified, readEntry, readRange } from './range.js';

/** What the certificate of a block is checked against, beside the ring: its parent. */
export type Link = Pick<Tip, 'height' | 'hash' | 'seed'>;

/** Blocks of one era that follow one another, to be checked in any thread. Plain data. */
export interface CertifyJob {
  readonly chainId: Uint8Array;
  /** The era's ring, encoded: it is fixed an era ahead. */
  readonly ring: Uint8Array;
  /** Members of a committee, where the ring has so many. */
  readonly members: number;
  /** The parent of the first block. */
  readonly parent: Link;
  /** The blocks with their certificates, as `encodeRange` makes it, and how many they are. */
  readonly range: Uint8Array;
  readonly blocks: number;
}

/** A block that is certified. */
export interface Finding {
  /** Who certified it: places in the ring, in the committee's order. */
  readonly committee: readonly number[];
  /** Whether the signature of every transaction is valid, and its size and chain are right. */
  readonly signed: boolean;
}

/**
 * Checks blocks in their order, each as the child of the one before. One finding for each that is certified; at the
 * first that is not it ends, since nothing that follows on it is proved.
 *
 * Pure. Cost: one signature check a member of the committee, and one a transaction.
 */
export function certifyRange({ chainId, ring: raw, members, parent, range }: CertifyJob): readonly Finding[] {
  const ring = decode(ringCodec, raw, limits.stateValueBytesMax);
  const places = new Map(ring.map((seat, place) => [seat, place]));
  const findings: Finding[] = [];
  let link = parent;
  for (const entry of readRange(range) ?? []) {
    const certified = readEntry(entry);
    const committee = certified && certifiers({ chainId, ring, members }, link, certified);
    if (certified === null || committee === null) break;
    const signed = certified.block.transactions.every((each) => transactionFault(each, chainId) === null);
    findings.push({ committee: committee.map((seat) => places.get(seat)!), signed });
    link = linkOf(certified);
  }
  return findings;
}

export function linkOf({ block: { header }, certificate }: Certified): Link {
  return { height: header.height, hash: certificate.hash, seed: header.seed };
}

/**
 * Checks a block's certificate, and that the body is the one that was certified. Null: not the child of `parent`,
 * or not certified. Else the committee that certified it, drawn from `ring`, the one of the block's era.
 *
 * Cost: one signature check a member.
 */
export function certifiers(
  {
    chainId,
    ring,
    members,
  }: Pick<CertifyJob, 'chainId' | 'members'> & { readonly ring: readonly RingSeat[] },
  parent: Link,
  { block, certificate }: Certified,
): readonly RingSeat[] | null {
  const { header } = block;
  const isChild =
    equalBytes(header.chainId, chainId) &&
    header.height === parent.height + 1 &&
    equalBytes(header.parent, parent.hash);
  if (!isChild || certificate.height !== header.height) return null;
  if (!equalBytes(blockHash(header), certificate.hash) || !rootsMatch(block)) return null;
  const seats = committeeOf(ring, parent.seed, members);
  const committee = seats.map(({ publicKey }) => publicKey);
  return verifyCertificate({ certificate, chainId, committee }).ok ? seats : null;
}
