import { z } from 'zod';
import { evaluationCell, openEvaluations, taskEvaluationsCell } from '../../../contracts/index.js';
import { ordinal } from '../schemas.js';
import { evaluationForm, evaluationToForm } from './evaluationForms.js';
import { stateOf, taskOf } from './find.js';
import { defineMethod } from './method.js';

export const evaluationList = defineMethod({
  summary: 'The open evaluations of the chain, or all of one task, with who has answered.',
  params: z.strictObject({ task: ordinal.optional() }),
  result: z.array(evaluationForm),
  run: ({ context }, { task }) => {
    const state = stateOf(context);
    const found =
      task === undefined
        ? openEvaluations(state)
        : (taskEvaluationsCell.get(state, taskOf(state, task).id) ?? []).map(
            (id) => evaluationCell.get(state, id)!,
          );
    return found.map((evaluation) => evaluationToForm(state, evaluation));
  },
});
