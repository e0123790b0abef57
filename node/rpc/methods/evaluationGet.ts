import { z } from 'zod';
import { evaluationCell, evaluationCountCell, sumCell } from '../../../contracts/index.js';
import { RpcError } from '../errors.js';
import { ordinal, waitMs } from '../schemas.js';
import { evaluationForm, evaluationToForm } from './evaluationForms.js';
import { stateOf } from './find.js';
import { defineMethod } from './method.js';
import { waitUntil } from './wait.js';

const counts = z.array(z.number().int());

export const evaluationGet = defineMethod({
  summary: 'An evaluation and the sum of its answers so far. With waitMs it waits until it has ended.',
  params: z.strictObject({ evaluation: ordinal, waitMs }),
  result: evaluationForm.extend({
    /** [bins] of equal width over probabilities 0 to 1, noise included. Null: it failed. */
    sum: z.object({ negatives: counts, positives: counts }).nullable(),
  }),
  run: async (scope, { evaluation: id, waitMs: wait }) => {
    const current = () => {
      const state = stateOf(scope.context);
      const evaluation = evaluationCell.get(state, id);
      if (evaluation === null) {
        const opened = evaluationCountCell.get(state) ?? 0;
        throw new RpcError('not-found', `there is no evaluation ${id}; ${opened} were opened`);
      }
      const sum = sumCell.get(state, id);
      const summed = sum === null ? null : { negatives: [...sum.negatives], positives: [...sum.positives] };
      return { ...evaluationToForm(state, evaluation), sum: summed };
    };
    const ended = () => {
      const now = current();
      return now.status === 'open' ? null : now;
    };
    return (await waitUntil(scope, wait, ended)) ?? current();
  },
});
