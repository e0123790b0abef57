import { z } from 'zod';
import { roundCell } from '../../../contracts/index.js';
import { count, ordinal, payloadRef, waitMs } from '../schemas.js';
import { taskStatus } from '../taskForms.js';
import { stateOf, taskOf } from './find.js';
import { defineMethod } from './method.js';
import { hasEnded, modelRef, refForm } from './rounds.js';
import { waitUntil } from './wait.js';

export const taskCurrent = defineMethod({
  summary:
    'What a device polls: the open round and its model. With waitMs it waits for a round above afterRound.',
  params: z.strictObject({ task: ordinal, afterRound: count.default(0), waitMs }),
  result: z.object({
    status: taskStatus,
    /** Null: no round is open. */
    round: ordinal.nullable(),
    /** What to train from; without an open round the newest model, if there is one. */
    weights: payloadRef.nullable(),
    /** What aggregation and the server's step keep between rounds; SCAFFOLD's devices need it. */
    optimizer: payloadRef.nullable(),
    /** The open round's clipping threshold C_t in 2^-16; its grid follows from it. Null: no round is open. */
    clip16: count.nullable(),
  }),
  run: async (scope, { task: id, afterRound, waitMs: wait }) => {
    const current = () => {
      const state = stateOf(scope.context);
      const task = taskOf(state, id);
      const open = roundCell.get(state, id);
      return {
        ended: hasEnded(task),
        form: {
          status: task.status,
          round: open?.round ?? null,
          weights: open === null ? modelRef(state, task) : refForm(open.weights),
          optimizer: open?.optimizer == null ? null : refForm(open.optimizer),
          clip16: open?.clipping.clip16 ?? null,
        },
      };
    };
    const found = await waitUntil(scope, wait, () => {
      const now = current();
      return now.ended || (now.form.round ?? 0) > afterRound ? now.form : null;
    });
    return found ?? current().form;
  },
});
