import { z } from 'zod';
import { taskCell, taskCountCell } from '../../../contracts/index.js';
import { answerLimits } from '../limits.js';
import { count, ordinal } from '../schemas.js';
import { taskStatus } from '../taskForms.js';
import { stateOf } from './find.js';
import { defineMethod } from './method.js';
import { roundReached } from './rounds.js';

export const taskList = defineMethod({
  summary: `Tasks by ascending id: ${answerLimits.tasks} from the given id on, else the newest ones.`,
  params: z.strictObject({ from: ordinal.optional() }),
  result: z.array(
    z.object({
      id: ordinal,
      title: z.string(),
      level: count,
      status: taskStatus,
      /** The open round; 0 before the first, the last one after the end. */
      round: count,
      rounds: count,
    }),
  ),
  run: ({ context }, { from }) => {
    const state = stateOf(context);
    const published = taskCountCell.get(state) ?? 0;
    const first = from ?? Math.max(1, published - answerLimits.tasks + 1);
    const last = Math.min(published, first + answerLimits.tasks - 1);
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => {
      const task = taskCell.get(state, first + index)!;
      const { title, level, rounds } = task.spec;
      return { id: task.id, title, level, status: task.status, round: roundReached(state, task), rounds };
    });
  },
});
