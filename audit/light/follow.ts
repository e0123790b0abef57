import {
  blockHash,
  DecodeError,
  decode,
  type Header,
  headerCodec,
  readState,
  tryDecode,
} from '../../chain/index.js';
import {
  drawCommittee,
  eraOf,
  type RingSeat,
  ringAt,
  ringRoot,
  verifyCertificate,
} from '../../consensus/index.js';
import { bytesToHex, compareBytes, equalBytes } from '../../crypto/index.js';
import { type ChainStart, type Genesis, startChain } from '../../genesis/index.js';
import { type LightRefusal, refused } from './fault.js';
import {
  HEADER_BYTES_MAX,
  type LightStep,
  START_BYTES_MAX,
  STEP_BYTES_MAX,
  startCodec,
  stepCodec,
} from './messages.js';

/** What a light client knows of a chain from its genesis file alone. */
export interface LightChain {
  readonly chainId: Uint8Array;
  /** Heights of an era: one ring each. */
  readonly eraHeights: number;
  /** Committee size M. */
  readonly members: number;
}

/** A block of the chain: certified, or linked to one that is by hashes. Only this file makes one. */
export interface ProvedBlock {
  readonly header: Header;
  readonly hash: Uint8Array;
  readonly proved: true;
}

/** The newest block that a light client has proved, and who may vote after it. */
export interface LightHead {
  readonly height: number;
  /** The chain id at genesis, as are the seed and the hash of genesis everywhere. */
  readonly hash: Uint8Array;
  readonly seed: Uint8Array;
  readonly time: number;
  /** Draws the committee of the next height. */
  readonly ring: readonly RingSeat[];
  /** Null at genesis. */
  readonly block: ProvedBlock | null;
}

export type Followed = { readonly ok: true; readonly head: LightHead } | LightRefusal;

/** Begins at the genesis. Cost: the initial state is made once. */
export function lightChain(genesis: Genesis): { readonly chain: LightChain; readonly head: LightHead } {
  return lightChainOf(startChain(genesis));
}

/** The same for whoever has made the initial state already. */
export function lightChainOf({ chainId, rules, tip }: ChainStart): {
  readonly chain: LightChain;
  readonly head: LightHead;
} {
  const { eraHeights, members } = rules;
  const ring = ringAt(readState(tip.state), 1, eraHeights);
  const { height, hash, seed, time } = tip;
  return { chain: { chainId, eraHeights, members }, head: { height, hash, seed, time, ring, block: null } };
}

/**
 * Begins at a block whose height and hash (32 bytes) are known from elsewhere. `raw`: an encoded `LightStart`.
 *
 * Fails with "malformed", "wrong-chain", "wrong-height", "wrong-hash", "wrong-ring".
 */
export function lightStart(
  chain: LightChain,
  known: { readonly height: number; readonly hash: Uint8Array },
  raw: Uint8Array,
): Followed {
  const decoded = tryDecode(startCodec, raw, START_BYTES_MAX);
  if (!decoded.ok) return refused('malformed', decoded.error.message);
  const { header, ring } = decoded.value;
  if (!equalBytes(header.chainId, chain.chainId)) return refused('wrong-chain', 'a block of another chain');
  if (header.height !== known.height) return refused('wrong-height', `the header is of ${header.height}`);
  const hash = blockHash(header);
  if (!equalBytes(hash, known.hash))
    return refused('wrong-hash', `block ${known.height} is ${bytesToHex(hash)} there`);
  if (!isRingOf(header, ring)) return refused('wrong-ring', 'the ring is not the one that the header names');
  return { ok: true, head: headOf({ header, hash, proved: true }, ring) };
}

/**
 * Goes on to a later block. `raw`: an encoded `LightStep`.
 *
 * Within an era, where the committee is the whole ring, it may be any later block: its certificate carries the
 * signatures of more than two thirds of the very ring that a proved header names. Where a committee is a part of the
 * ring, it has to be the next one: a committee speaks for the ring only if the seed that drew it was not made for
 * the purpose, and that follows from the certificates of all headers before (docs/light-client.md).
 *
 * Fails, in this order: "malformed", "wrong-chain", "wrong-height", "skips-era", "wrong-parent", "skips-height",
 *   "wrong-time", "other-block", a `CertificateFault`, "wrong-ring".
 * Cost: one signature check a signer.
 */
export function follow(chain: LightChain, head: LightHead, raw: Uint8Array): Followed {
  const decoded = tryDecode(stepCodec, raw, STEP_BYTES_MAX);
  if (!decoded.ok) return refused('malformed', decoded.error.message);
  const { header, certificate, nextRing } = decoded.value;
  const fault = linkFault(chain, head, header);
  if (fault !== null) return fault;
  const hash = blockHash(header);
  const sameChain = equalBytes(certificate.chainId, chain.chainId);
  if (!sameChain || certificate.height !== header.height || !equalBytes(certificate.hash, hash))
    return refused('other-block', 'the certificate is of another block');
  const committee = committeeOf(chain, head, decoded.value).map(({ publicKey }) => publicKey);
  const certified = verifyCertificate({ certificate, chainId: chain.chainId, committee });
  if (!certified.ok)
    return refused(
      certified.reason,
      `the certificate of ${header.height} does not hold: ${certified.reason}`,
    );
  const ring = nextRing ?? head.ring;
  if (!isRingOf(header, ring))
    return refused(
      'wrong-ring',
      `not the ring that the header of ${header.height} names for the next height`,
    );
  return { ok: true, head: headOf({ header, hash, proved: true }, ring) };
}

/** Headers that `linkBack` takes at once. */
export const LINKS_MAX = 1_024;

/**
 * An earlier block, by the hashes of parents. `headers`: encoded, of consecutive heights, ascending; the last is the
 * parent of `block`. Proves the first of them. Nobody's signature is needed: `block` names them all.
 *
 * Fails with "too-many", "malformed", "wrong-parent". Cost: one hash a header.
 */
export function linkBack(
  block: ProvedBlock,
  headers: readonly Uint8Array[],
): { readonly ok: true; readonly block: ProvedBlock } | LightRefusal {
  if (headers.length > LINKS_MAX) return refused('too-many', `${headers.length} headers at once`);
  let at = block;
  for (const raw of headers.toReversed()) {
    const header = decodeHeader(raw);
    if (header === null) return refused('malformed', `no header before ${at.header.height}`);
    const hash = blockHash(header);
    if (header.height !== at.header.height - 1 || !equalBytes(hash, at.header.parent))
      return refused('wrong-parent', `this is not the parent of ${at.header.height}`);
    at = { header, hash, proved: true };
  }
  return { ok: true, block: at };
}

function linkFault(chain: LightChain, head: LightHead, header: Header): LightRefusal | null {
  if (!equalBytes(header.chainId, chain.chainId)) return refused('wrong-chain', 'a block of another chain');
  const heights = header.height - head.height;
  if (heights < 1) return refused('wrong-height', `height ${header.height} is not after ${head.height}`);
  if (eraOf(header.height, chain.eraHeights) !== eraOf(head.height + 1, chain.eraHeights))
    return refused('skips-era', `nobody proved yet who may vote at ${header.height}`);
  if (heights === 1 && !equalBytes(header.parent, head.hash))
    return refused('wrong-parent', `not a child of block ${head.height}`);
  if (heights > 1 && head.ring.length > chain.members)
    return refused('skips-height', `${header.height} follows ${head.height} only over the heights between`);
  // Each block is at least a millisecond after its parent.
  if (header.time < head.time + heights) return refused('wrong-time', 'it is too early to be a later block');
  return null;
}

/**
 * The committee in its order. With the whole ring in it a false `parentSeed` could but put the same
 * members in another order, which signatures in the right one do not fit.
 */
export function committeeOf(
  chain: LightChain,
  head: LightHead,
  { header, parentSeed }: Pick<LightStep, 'header' | 'parentSeed'>,
): readonly RingSeat[] {
  const seed = header.height === head.height + 1 ? head.seed : parentSeed;
  const members = Math.min(chain.members, head.ring.length);
  return drawCommittee(head.ring, seed, members).map((seat) => head.ring[seat]!);
}

/** Is it a ring at all (sorted, nobody twice), and the one that the header names? */
function isRingOf(header: Header, ring: readonly RingSeat[]): boolean {
  const sorted = ring.every((seat, i) => i === 0 || compareBytes(ring[i - 1]!.publicKey, seat.publicKey) < 0);
  return ring.length > 0 && sorted && equalBytes(ringRoot(ring), header.nextRingRoot);
}

function headOf(block: ProvedBlock, ring: readonly RingSeat[]): LightHead {
  const { height, seed, time } = block.header;
  return { height, hash: block.hash, seed, time, ring, block };
}

function decodeHeader(raw: Uint8Array): Header | null {
  try {
    return decode(headerCodec, raw, HEADER_BYTES_MAX);
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}
