import {
  bool,
  bytes,
  cell,
  type Infer,
  integer,
  list,
  nullable,
  oneOf,
  payloadRefCodec,
  record,
  uint,
} from '../../chain/index.js';
import { CLIP16_MAX, type Refusal } from '../../fl/index.js';
import { DEVICES_MAX, UNITS_MAX } from '../tasks/index.js';
import { clippingCodec } from './clippingState.js';

const updateCodec = record({
  device: bytes(32),
  units: integer(1, UNITS_MAX),
  payload: payloadRefCodec,
  height: uint,
});

/** The open round of a task. `updates` are those in blocks so far, sorted by device. */
export const roundCodec = record({
  round: integer(1, 1_000_000),
  openedHeight: uint,
  openedTime: uint,
  weights: payloadRefCodec,
  accumulator: nullable(payloadRefCodec),
  /** What aggregation and the server's step keep from round to round; null: nothing, or not yet. */
  optimizer: nullable(payloadRefCodec),
  /** The round's threshold C_t, from which its grid follows, and what the rule remembers. */
  clipping: clippingCodec,
  updates: list(updateCodec, DEVICES_MAX),
});
export type Round = Infer<typeof roundCodec>;

const verdictCodec = record({
  device: bytes(32),
  qualified: bool,
  reason: nullable(oneOf<readonly Refusal[]>('rank', 'opposes', 'distant', 'norm', 'turned')),
  score16: integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
  /** The device's points after this verdict, and whether it stands on the blacklist. */
  points: uint,
  blacklisted: bool,
});

/** How a round ended: kept for good, for people and for audits. */
export const closedRoundCodec = record({
  round: uint,
  /**
   * searched: there are verdicts as of a closed one, but the round only lowered the threshold, and the model stays
   * (`leavesOutStep` in fl/privacy/clipping). failed: too few updates, no verdict.
   */
  status: oneOf('closed', 'searched', 'failed'),
  openedHeight: uint,
  closedHeight: uint,
  /** C_t in 2^-16: late updates of this round live on its grid. */
  clip16: integer(1, CLIP16_MAX),
  verdicts: list(verdictCodec, DEVICES_MAX),
  weights: payloadRefCodec,
});
export type ClosedRound = Infer<typeof closedRoundCodec>;

/** By task id: the open round; absent before the first and after the last. */
export const roundCell = cell('training/round', roundCodec);
/** By task id and round. */
export const closedRoundCell = cell('training/closed', closedRoundCodec);
/** The newest model of a task. By task id. */
export const modelCell = cell('training/model', payloadRefCodec);
/** The last round that a device sent an update for. By task id and hex device. */
export const submittedCell = cell('training/submitted', uint);
/** The last payload of a device that a block published and its ledger was charged for. By task id and hex device. */
export const publishedCell = cell('training/published', bytes(32));
