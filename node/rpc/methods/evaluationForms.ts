import { z } from 'zod';
import type { StateReader } from '../../../chain/index.js';
import { answeredCell, type Evaluation, enrolledCell, taskCell } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { units } from '../../../fl/index.js';
import { count, height, hex32, ordinal, payloadRef } from '../schemas.js';
import { nameOf } from './find.js';
import { refForm } from './rounds.js';

/** An evaluation as the chain keeps it, but for the counts. Units as in contracts/evaluation. */
export const evaluationForm = z.object({
  id: ordinal,
  level: count,
  spec: z.object({
    task: ordinal,
    /** Of the closed round whose model is evaluated. */
    round: ordinal,
    unit: z.enum(units),
    bins: count,
    sigma16: count,
    quorum: count,
    deadlineMs: count,
    deadlineBlocks: count,
  }),
  weights: payloadRef,
  status: z.enum(['open', 'closed', 'failed']),
  openedHeight: height,
  openedTime: count,
  closedHeight: height.nullable(),
  answered: z.array(z.object({ device: hex32, name: z.string(), height })),
});

export function evaluationToForm(state: StateReader, evaluation: Evaluation): z.input<typeof evaluationForm> {
  const { id, spec, weights, status, openedHeight, openedTime, closedHeight } = evaluation;
  const { level } = taskCell.get(state, spec.task)!.spec;
  const answered = enrolledCell.get(state, spec.task)!.flatMap(({ device }) => {
    const at = answeredCell.get(state, id, bytesToHex(device));
    return at === null ? [] : [{ device: bytesToHex(device), name: nameOf(state, device), height: at }];
  });
  const times = { openedHeight, openedTime, closedHeight };
  return { id, level, spec, weights: refForm(weights), status, ...times, answered };
}
