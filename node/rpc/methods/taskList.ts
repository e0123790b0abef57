import { z } from 'zod';
import type { StateReader } from '../../../chain/index.js';
import { contentTaskCell, taskCell, taskCountCell } from '../../../contracts/index.js';
import { answerLimits } from '../limits.js';
import { count, ordinal } from '../schemas.js';
import { gateStatus } from '../taskForms.js';
import { stateOf } from './find.js';
import { defineMethod } from './method.js';
import { roundReached } from './rounds.js';

export const taskList = defineMethod({
  summary: `Tasks by ascending id: ${answerLimits.tasks} from the given id on, else the newest ones.`,
  ofHead: true,
  params: z.strictObject({ from: ordinal.optional() }),
  result: z.array(
    z.object({
      id: ordinal,
      kind: z.enum(['training', 'content']),
      /** Empty where it is sealed. */
      title: z.string(),
      level: count,
      status: gateStatus,
      /** The open round; 0 before the first, the last one after the end. A content task has none. */
      round: count,
      rounds: count,
      reward: count,
    }),
  ),
  run: ({ context }, { from }) => {
    const state = stateOf(context);
    const published = taskCountCell.get(state) ?? 0;
    const first = from ?? Math.max(1, published - answerLimits.tasks + 1);
    const last = Math.min(published, first + answerLimits.tasks - 1);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => formOf(state, first + index));
  },
});

function formOf(state: StateReader, id: number) {
  const content = contentTaskCell.get(state, id);
  if (content !== null) {
    const { level, status, reward } = content;
    return { id, kind: 'content' as const, title: '', level, status, round: 0, rounds: 0, reward };
  }
  const task = taskCell.get(state, id)!;
  const { title, level, rounds, reward } = task.spec;
  const { status } = task;
  const round = roundReached(state, task);
  return { id, kind: 'training' as const, title, level, status, round, rounds, reward };
}
