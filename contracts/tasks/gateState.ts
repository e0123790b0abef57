import {
  bool,
  bytes,
  cell,
  type Infer,
  integer,
  limits,
  list,
  nullable,
  oneOf,
  record,
  uint,
} from '../../chain/index.js';
import { wrapCodec } from './content.js';

/** Providers that a content task may pay. */
export const PLACES_MAX = 64;
/** Providers that may ask for one task's content, those included that are refused. */
export const APPLICANTS_MAX = 256;
/** Content tasks of one publisher that are open at once. */
export const CONTENT_TASKS_EACH_MAX = 32;
/** Longest time for applications, and for the work after it: 90 days, in milliseconds. */
export const CONTENT_MS_MAX = 90 * 86_400_000;

/** Who says that a provider has done its part: the publisher alone, or each provider for itself, too. */
export const completionCodec = oneOf('publisher', 'providers');

/** A task that is nothing but its sealed content: without data, model or rounds. Times are block times in ms. */
export const contentTaskCodec = record({
  id: uint,
  publisher: bytes(32),
  level: integer(1, limits.levelMax),
  places: integer(1, PLACES_MAX),
  completion: completionCodec,
  reward: uint,
  status: oneOf('open', 'done', 'withdrawn', 'expired'),
  publishedHeight: uint,
  /** Until then providers apply. */
  applyUntil: uint,
  /** From then on it is over: `expired`, if it hasn't ended before. */
  endsAt: uint,
});
export type ContentTask = Infer<typeof contentTaskCodec>;

/** By task id; ids are shared with training tasks. */
export const contentTaskCell = cell('tasks/contentTask', contentTaskCodec);

/** Why a publisher refuses an applicant. A closed list: free text could tell what the content is about. */
export const REFUSAL_REASONS = ['unsuitable', 'enough', 'conflict', 'unusable-key'] as const;
export const refusalReasonCodec = oneOf(...REFUSAL_REASONS);

const applicationCodec = record({
  provider: bytes(32),
  /** X25519, made for this task alone: whom the task key is wrapped to. */
  key: bytes(32),
  status: oneOf('waiting', 'admitted', 'refused'),
  /** Set where it is refused. */
  reason: nullable(refusalReasonCodec),
  /** The provider's part is done. */
  done: bool,
});
export type Application = Infer<typeof applicationCodec>;

/** Who asked for a task's content, by task id, in the order in which they came. */
export const applicationsCell = cell('tasks/applications', list(applicationCodec, APPLICANTS_MAX));

/** The task key, wrapped for one admitted provider: by task id and hex key of the provider. */
export const admissionCell = cell('tasks/admission', wrapCodec);
