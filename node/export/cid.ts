import { CID } from 'multiformats/cid';
import { create as createDigest } from 'multiformats/hashes/digest';
import { sha256 } from '../../crypto/index.js';

/** Codecs of a chain export's blocks. Source: the multicodec table. */
export const DAG_CBOR = 0x71;
export const RAW = 0x55;
const SHA2_256 = 0x12;

/** The name of a block by its bytes: version 1, SHA-256. */
export function cidOf(codec: typeof DAG_CBOR | typeof RAW, bytes: Uint8Array): CID {
  return CID.createV1(codec, createDigest(SHA2_256, sha256(bytes)));
}
