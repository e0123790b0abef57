import { merkleProver, PAYLOAD_CHUNK_BYTES, payloadChunks, verifyMerkleProof } from '../chain/index.js';
import { NetError } from './errors.js';

/** Name of the chunk protocol, and the bytes of its messages. All numbers big-endian. */
export const CHUNK_PROTOCOL = 'payload-chunk/3';

const ID_BYTES = 32;
const HASH_BYTES = 32;
/** A payload of 2^32 chunks has audit paths of 32 hashes; ours are far smaller. */
const PROOF_HASHES_MAX = 32;

/** Chunk request: payload id (32 bytes), payload size (u32), chunk index (u32). */
export const CHUNK_REQUEST_BYTES = ID_BYTES + 8;

/**
 * Chunk response, one of three:
 *
 *   audit path length (u8), audit path (32 bytes each, leaf up), chunk
 *   255 (u8), bitmap of the chunks that are held, bit i of it (lowest of each byte first) for chunk i: not this one
 *   empty: nothing is held
 */
export const CHUNK_RESPONSE_BYTES_MAX = 1 + PROOF_HASHES_MAX * HASH_BYTES + PAYLOAD_CHUNK_BYTES;

const PARTLY = 255;

/**
 * The size is asked for too: who holds a payload of that id and another size has not got what is meant, and must not
 * be blamed for a size that somebody else made up.
 */
export interface ChunkRequest {
  readonly id: Uint8Array;
  readonly size: number;
  readonly index: number;
}

export function encodeChunkRequest({ id, size, index }: ChunkRequest): Uint8Array {
  const bytes = new Uint8Array(CHUNK_REQUEST_BYTES);
  bytes.set(id);
  const view = new DataView(bytes.buffer);
  view.setUint32(ID_BYTES, size);
  view.setUint32(ID_BYTES + 4, index);
  return bytes;
}

/** Fails with NetError "refused", which is what the asker is then told. */
export function decodeChunkRequest(bytes: Uint8Array): ChunkRequest {
  if (bytes.length !== CHUNK_REQUEST_BYTES) {
    throw new NetError('refused', `chunk request of ${bytes.length} bytes`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return {
    id: bytes.slice(0, ID_BYTES),
    size: view.getUint32(ID_BYTES),
    index: view.getUint32(ID_BYTES + 4),
  };
}

/** Answers for the chunks of one payload, whose tree is hashed once. An index past the end: not held. */
export function chunkResponder(payload: Uint8Array): (index: number) => Uint8Array {
  const chunks = payloadChunks(payload);
  const proofOf = merkleProver(chunks);
  return (index) => {
    const chunk = chunks[index];
    if (chunk === undefined) return new Uint8Array(0);
    const proof = proofOf(index);
    const response = new Uint8Array(1 + proof.length * HASH_BYTES + chunk.length);
    response[0] = proof.length;
    proof.forEach((hash, level) => {
      response.set(hash, 1 + level * HASH_BYTES);
    });
    response.set(chunk, 1 + proof.length * HASH_BYTES);
    return response;
  };
}

function chunkBytes(size: number, index: number): number {
  return Math.min(PAYLOAD_CHUNK_BYTES, size - index * PAYLOAD_CHUNK_BYTES);
}

/** Number of chunks of a payload of `size` bytes. */
export function chunkCount(size: number): number {
  return Math.ceil(size / PAYLOAD_CHUNK_BYTES);
}

/** The response of one who is pulling the payload and has not got the chunk yet. */
export function partlyResponse(bitmap: Uint8Array): Uint8Array {
  const response = new Uint8Array(1 + bitmap.length);
  response[0] = PARTLY;
  response.set(bitmap, 1);
  return response;
}

/** Bytes that the response with any chunk of a payload of `size` bytes fits into. */
export function chunkSlotBytes(size: number): number {
  const levels = Math.ceil(Math.log2(chunkCount(size)));
  return 1 + levels * HASH_BYTES + PAYLOAD_CHUNK_BYTES;
}

/** Where the chunk begins in the response of a peer that has all of it. */
export function chunkOffset(size: number, index: number): number {
  let hashes = 0;
  // A lone last node has no sibling: it stands on the level above as it is.
  for (let at = index, last = chunkCount(size) - 1; last > 0; at >>= 1, last >>= 1) {
    if (at % 2 === 1 || at < last) hashes += 1;
  }
  return 1 + hashes * HASH_BYTES;
}

/** The response that stands at the beginning of a slot; what follows it is padding. Not checked in any way. */
export function responseInSlot(slot: Uint8Array, { index, size }: ChunkRequest): Uint8Array {
  return slot.subarray(0, 1 + slot[0]! * HASH_BYTES + chunkBytes(size, index));
}

export type ChunkFinding =
  | { readonly kind: 'chunk'; readonly chunk: Uint8Array }
  | { readonly kind: 'not-held'; readonly has: Uint8Array | null }
  | { readonly kind: 'wrong' };

/** What a response says about chunk `index` of the payload of that id and size; a chunk is proved by then. */
export function readChunkResponse(response: Uint8Array, { id, index, size }: ChunkRequest): ChunkFinding {
  if (response.length === 0) return { kind: 'not-held', has: null };
  const hashes = response[0]!;
  if (hashes === PARTLY) {
    const has = response.slice(1);
    return has.length === Math.ceil(chunkCount(size) / 8) ? { kind: 'not-held', has } : { kind: 'wrong' };
  }
  const chunk = response.subarray(1 + hashes * HASH_BYTES);
  if (hashes > PROOF_HASHES_MAX || chunk.length !== chunkBytes(size, index)) return { kind: 'wrong' };
  const proof = Array.from({ length: hashes }, (_, level) =>
    response.subarray(1 + level * HASH_BYTES, 1 + (level + 1) * HASH_BYTES),
  );
  const proved = verifyMerkleProof({ root: id, leaf: chunk, index, count: chunkCount(size), proof });
  return proved ? { kind: 'chunk', chunk } : { kind: 'wrong' };
}
