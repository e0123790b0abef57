import {
  bool,
  bytes,
  fromNode,
  type Infer,
  integer,
  list,
  nullable,
  oneOf,
  payloadRefCodec,
  type Receipt,
  record,
  struct,
  toNode,
  uint,
} from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import type { Refusal, RoundOutcome } from '../../fl/index.js';
import { DEVICES_MAX } from '../tasks/index.js';
import { clippingCodec } from './clippingState.js';
import type { DueClosing } from './closing.js';

const reason = nullable(oneOf<readonly Refusal[]>('rank', 'opposes', 'distant', 'norm', 'turned'));
const score16 = integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);

/**
 * What the receipt of a block's beginning says of a round that closed: all that execution needs to take the verdict
 * over when the updates are pruned. Verdicts stand in the order of the round's updates, so devices are not named; a
 * list each, since a block may close 64 rounds of 1,000 devices and its receipt is bounded.
 */
export const closedEventCodec = record({
  task: uint,
  round: uint,
  /** Id of the new model. */
  weights: bytes(32),
  qualified: uint,
  refused: uint,
  outcome: struct({
    verdicts: list(struct({ qualified: bool, reason, score16 }), DEVICES_MAX),
    weights: payloadRefCodec,
    accumulator: nullable(payloadRefCodec),
    optimizer: nullable(payloadRefCodec),
    clipping: nullable(clippingCodec),
  }),
});
export type ClosedEvent = Infer<typeof closedEventCodec>;

/** As the fields of an event. */
export function closedEventFields(event: ClosedEvent): Readonly<Record<string, unknown>> {
  return toNode(closedEventCodec, event) as Record<string, unknown>;
}

/** The rounds that closed with a verdict when a block began, by its first receipt. Throws DecodeError. */
export function closedEvents(begun: Receipt): readonly ClosedEvent[] {
  return begun.events
    .filter(({ contract, kind }) => contract === 'training' && kind === 'closed')
    .map(({ fields }) => fromNode(closedEventCodec, fields, 'closed'));
}

/**
 * The outcome that a due closing had, taken from the receipt of the block that it began: a marked input. Null: the
 * receipt says nothing of it, or not of as many devices. Whoever has no root to compare the receipt with believes it.
 */
export function markedOutcome(begun: Receipt, { task, round }: DueClosing): RoundOutcome | null {
  const closed = closedEvents(begun).find((event) => event.task === task.id && event.round === round.round);
  if (closed === undefined || closed.outcome.verdicts.length !== round.updates.length) return null;
  const { verdicts, weights, accumulator, optimizer, clipping } = closed.outcome;
  return {
    verdicts: verdicts.map((verdict, i) => ({ device: bytesToHex(round.updates[i]!.device), ...verdict })),
    weights,
    accumulator,
    optimizer,
    clipping,
  };
}
