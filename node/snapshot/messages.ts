import { START_BYTES_MAX, STEP_BYTES_MAX } from '../../audit/light/index.js';
import {
  bytes,
  bytesBetween,
  CHUNK_ANSWER_BYTES_MAX,
  type Codec,
  encode,
  type Infer,
  integer,
  list,
  struct,
  tryDecode,
  uint,
} from '../../chain/index.js';

/*
 * What a node that joins asks of the others (docs/snapshot.md). An empty answer: not here. All else is checked.
 */

/** Heights whose state a node will serve for a while; an empty request. */
export const OFFER_PROTOCOL = '/consilium/snapshot-offer/1';
/** A chunk of the state after a height: an encoded `StateChunk`. */
export const CHUNK_PROTOCOL = '/consilium/snapshot-chunk/1';
/** A block whose hash is known, to begin at: an encoded `LightStart`. */
export const START_PROTOCOL = '/consilium/light-start/1';
/** Steps along the chain, as a light client follows it. */
export const STEPS_PROTOCOL = '/consilium/light-steps/1';

export const REQUEST_BYTES_MAX = 128;
/** Heights in an offer. */
export const OFFERS_MAX = 4;
/** Steps in an answer, and their bytes; one always fits. About 20 ms of the server's time. */
export const STEPS_MAX = 128;
export const STEPS_BYTES = 512 * 1024;

const offerCodec = list(integer(1, Number.MAX_SAFE_INTEGER), OFFERS_MAX);
const chunkRequestCodec = struct({ height: uint, path: bytes(32), depth: integer(0, 256) });
const startRequestCodec = struct({ height: uint });
const stepsRequestCodec = struct({ from: uint, to: uint });
const stepsCodec = list(bytesBetween(1, STEP_BYTES_MAX), STEPS_MAX);

export const answerBytes = {
  offer: 64,
  chunk: CHUNK_ANSWER_BYTES_MAX,
  start: START_BYTES_MAX,
  steps: STEPS_BYTES + STEP_BYTES_MAX + 8 * STEPS_MAX,
} as const;

export const encodeOffer = (heights: readonly number[]): Uint8Array => encode(offerCodec, heights);
export const readOffer = (raw: Uint8Array): readonly number[] | null => readOrNull(offerCodec, raw);

export type ChunkRequest = Infer<typeof chunkRequestCodec>;
export const encodeChunkRequest = (request: ChunkRequest): Uint8Array => encode(chunkRequestCodec, request);
export const readChunkRequest = (raw: Uint8Array): ChunkRequest | null => readOrNull(chunkRequestCodec, raw);

export const encodeStartRequest = (height: number): Uint8Array => encode(startRequestCodec, { height });
export const readStartRequest = (raw: Uint8Array): number | null =>
  readOrNull(startRequestCodec, raw)?.height ?? null;

export type StepsRequest = Infer<typeof stepsRequestCodec>;
export const encodeStepsRequest = (request: StepsRequest): Uint8Array => encode(stepsRequestCodec, request);
export const readStepsRequest = (raw: Uint8Array): StepsRequest | null => readOrNull(stepsRequestCodec, raw);

export const encodeSteps = (steps: readonly Uint8Array[]): Uint8Array => encode(stepsCodec, steps);
export const readSteps = (raw: Uint8Array): readonly Uint8Array[] | null => readOrNull(stepsCodec, raw);

/** Null: it is no such message. The transport has bounded its bytes. */
function readOrNull<T>(codec: Codec<T>, raw: Uint8Array): T | null {
  const decoded = tryDecode(codec, raw, raw.length);
  return decoded.ok ? decoded.value : null;
}
