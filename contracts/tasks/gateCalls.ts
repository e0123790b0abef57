import { bytes, bytesBetween, type Infer, integer, limits, list, record, uint } from '../../chain/index.js';
import { CONTENT_BYTES_MAX } from './content.js';
import { CONTENT_MS_MAX, completionCodec, PLACES_MAX, refusalReasonCodec } from './gateState.js';

const task = integer(1, Number.MAX_SAFE_INTEGER);
const provider = bytes(32);

/** A task that is its sealed content. Times in milliseconds: for applications, and for the work after them. */
export const publishContentCodec = record({
  level: integer(1, limits.levelMax),
  places: integer(1, PLACES_MAX),
  completion: completionCodec,
  reward: uint,
  applyMs: integer(1, CONTENT_MS_MAX),
  workMs: integer(1, CONTENT_MS_MAX),
  content: bytesBetween(1, 2 * CONTENT_BYTES_MAX),
});
export type PublishContent = Infer<typeof publishContentCodec>;

/** A provider asks for the content; `key`: its X25519 key for this task alone. */
export const askCodec = record({ task, key: bytes(32) });
export type Ask = Infer<typeof askCodec>;

/** The publisher wraps the task key for an applicant. */
export const admitCodec = record({ task, provider, enc: bytes(32), wrapped: bytes(48) });
export type Admit = Infer<typeof admitCodec>;

export const refuseCodec = record({ task, provider, reason: refusalReasonCodec });
export type Refuse = Infer<typeof refuseCodec>;

export const withdrawCodec = record({ task });
export type Withdraw = Infer<typeof withdrawCodec>;

/** From the publisher: who did the work. From a provider: nobody but itself, so the list is empty. */
export const completeCodec = record({ task, providers: list(provider, PLACES_MAX) });
export type Complete = Infer<typeof completeCodec>;
