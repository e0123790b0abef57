import { z } from 'zod';
import type { StateReader } from '../../../chain/index.js';
import { type ClosedRound, closedRoundCell } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { answerLimits } from '../limits.js';
import { count, height, hex32, ordinal, payloadRef, waitMs } from '../schemas.js';
import { nameOf, stateOf, taskOf } from './find.js';
import { defineMethod } from './method.js';
import { createUpdateMeter, hasEnded, refForm, type UpdateSizes } from './rounds.js';
import { waitUntil } from './wait.js';

const verdictForm = z.object({
  device: hex32,
  name: z.string(),
  qualified: z.boolean(),
  reason: z.enum(['rank', 'opposes', 'distant', 'norm', 'turned']).nullable(),
  /** What the rule measured, in 2^-16. */
  score16: z.number().int(),
  points: count,
  blacklisted: z.boolean(),
});

const roundForm = z.object({
  round: ordinal,
  /** searched: verdicts as of a closed one, but it only lowered the threshold: the model stayed. */
  status: z.enum(['closed', 'searched', 'failed']),
  openedHeight: height,
  closedHeight: height,
  /** The round's clipping threshold C_t, in 2^-16. */
  clip16: count,
  verdicts: z.array(verdictForm),
  /** The model after the round. */
  weights: payloadRef,
  /** How many updates blocks held in time, and the bytes of one on average, rounded; null: not measured. */
  updates: count.nullable(),
  updateBytes: count.nullable(),
});

export const taskRounds = defineMethod({
  summary: `Closed rounds of a task, at most ${answerLimits.rounds}. With waitMs it waits until round from has closed.`,
  params: z.strictObject({ task: ordinal, from: ordinal.default(1), waitMs }),
  result: z.array(roundForm),
  run: async (scope, { task: id, from, waitMs: wait }) => {
    const { context } = scope;
    const found = await waitUntil(scope, wait, () => {
      const state = stateOf(context);
      const rounds = closedFrom(state, id, from);
      return rounds.length > 0 || hasEnded(taskOf(state, id)) ? { state, rounds } : null;
    });
    if (found === null) return [];
    const measure = createUpdateMeter(context.store, id);
    return found.rounds.map((closed) => form(found.state, closed, measure(closed)));
  },
});

function closedFrom(state: StateReader, task: number, from: number): readonly ClosedRound[] {
  const rounds: ClosedRound[] = [];
  while (rounds.length < answerLimits.rounds) {
    const closed = closedRoundCell.get(state, task, from + rounds.length);
    if (closed === null) break;
    rounds.push(closed);
  }
  return rounds;
}

function form(
  state: StateReader,
  { round, status, openedHeight, closedHeight, clip16, verdicts, weights }: ClosedRound,
  sizes: UpdateSizes | null,
): z.input<typeof roundForm> {
  return {
    round,
    status,
    openedHeight,
    closedHeight,
    clip16,
    verdicts: verdicts.map((verdict) => ({
      ...verdict,
      device: bytesToHex(verdict.device),
      name: nameOf(state, verdict.device),
    })),
    weights: refForm(weights),
    updates: sizes?.updates ?? null,
    updateBytes: sizes === null || sizes.updates === 0 ? null : Math.round(sizes.bytes / sizes.updates),
  };
}
