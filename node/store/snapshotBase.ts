import {
  blockHash,
  bytes,
  bytesBetween,
  CERTIFICATE_BYTES_MAX,
  type Certificate,
  DecodeError,
  decode,
  decodeCertificate,
  encode,
  encodeCertificate,
  encodeHeader,
  type Header,
  headerCodec,
  list,
  type PayloadRef,
  payloadRefCodec,
  type StateTree,
  struct,
  treeRoot,
} from '../../chain/index.js';
import { equalBytes, SHA256_BYTES, sha256 } from '../../crypto/index.js';
import { type Database, read } from './database.js';
import { genesisTail, key, type Tail } from './entries.js';
import { damaged } from './error.js';

/**
 * Where the chain of a folder begins that was joined by a snapshot: a block that is certified and was not executed
 * here, and the state after it. The folder has no block up to this one (docs/snapshot.md).
 */
export interface Base {
  readonly header: Header;
  readonly hash: Uint8Array;
  readonly certificate: Certificate;
  /** The seed of the block before: draws the committee that agreed on this one. */
  readonly parentSeed: Uint8Array;
  /** What the state's open rounds need. */
  readonly payloads: readonly PayloadRef[];
}

/** What the first height of a folder builds on: the genesis, or a base. */
export interface Origin {
  /** Null: the genesis, and every block is here. */
  readonly base: Base | null;
  readonly tail: Tail;
  readonly stateRoot: Uint8Array;
  readonly payloads: readonly PayloadRef[];
}

const HEADER_BYTES_MAX = 1_024;
/** Of all open rounds: more than tasks and devices can be. */
const PAYLOADS_MAX = 1_000_000;
const PAYLOAD_BYTES = 64;

const baseCodec = struct({
  header: bytesBetween(1, HEADER_BYTES_MAX),
  certificate: bytesBetween(1, CERTIFICATE_BYTES_MAX),
  parentSeed: bytes(32),
  payloads: list(payloadRefCodec, PAYLOADS_MAX),
});
const BASE_BYTES_MAX = HEADER_BYTES_MAX + CERTIFICATE_BYTES_MAX + PAYLOAD_BYTES * PAYLOADS_MAX;

/** The entry: its seal (SHA-256 over all that follows), which the first height names as that of the height before. */
export function encodeBase({ header, certificate, parentSeed, payloads }: Omit<Base, 'hash'>): Uint8Array {
  const body = encode(baseCodec, {
    header: encodeHeader(header),
    certificate: encodeCertificate(header.chainId, certificate),
    parentSeed,
    payloads,
  });
  const entry = new Uint8Array(SHA256_BYTES + body.length);
  entry.set(sha256(body));
  entry.set(body, SHA256_BYTES);
  return entry;
}

/** Where a chain that begins at this base ends before its first height. `entry`: as `encodeBase` made it. */
export function baseTail({ header, hash }: Pick<Base, 'header' | 'hash'>, entry: Uint8Array): Tail {
  const seal = entry.slice(0, SHA256_BYTES);
  return { height: header.height, hash, seal, indexed: 0, indexSum: 0 };
}

/** Throws StoreError 'damaged'. */
export function readOrigin(database: Database, chainId: Uint8Array, genesisState: StateTree): Origin {
  const entry = read(database, key.base);
  if (entry === null) {
    const stateRoot = treeRoot(genesisState);
    return { base: null, tail: genesisTail(chainId), stateRoot, payloads: [] };
  }
  const base = openBase(entry);
  if (base === null || !equalBytes(base.header.chainId, chainId)) {
    throw damaged(database.location, 'the base', 'it is altered');
  }
  const { header, payloads } = base;
  return { base, tail: baseTail(base, entry), stateRoot: header.stateRoot, payloads };
}

/** What an entry says, its seal checked; null: it is altered. */
export function openBase(entry: Uint8Array): Base | null {
  const body = entry.subarray(SHA256_BYTES);
  return equalBytes(sha256(body), entry.subarray(0, SHA256_BYTES)) ? decodeBase(body) : null;
}

/** What lies behind an entry's seal; null: it is no base. */
export function decodeBase(body: Uint8Array): Base | null {
  try {
    const { header: raw, certificate: sealed, ...rest } = decode(baseCodec, body, BASE_BYTES_MAX);
    const header = decode(headerCodec, raw, HEADER_BYTES_MAX);
    const { chainId, ...certificate } = decodeCertificate(sealed);
    if (!equalBytes(chainId, header.chainId)) return null;
    return { ...rest, header, hash: blockHash(header), certificate };
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}
