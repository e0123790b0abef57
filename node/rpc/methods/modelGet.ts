import { z } from 'zod';
import { closedRoundCell, modelCell } from '../../../contracts/index.js';
import { RpcError } from '../errors.js';
import { bytesToBase64 } from '../json.js';
import { base64, count, hex32, ordinal } from '../schemas.js';
import { modelForm, modelToForm } from '../taskForms.js';
import { payloadOf, stateOf, taskOf } from './find.js';
import { defineMethod } from './method.js';
import { refForm } from './rounds.js';

export const modelGet = defineMethod({
  summary: 'The weights of a task after a round, or the newest: float32, little-endian.',
  params: z.strictObject({ task: ordinal, round: ordinal.optional() }),
  result: z.object({ id: hex32, size: count, bytes: base64, spec: modelForm }),
  run: ({ context }, { task: id, round }) => {
    const state = stateOf(context);
    const task = taskOf(state, id);
    const ref =
      round === undefined
        ? modelCell.get(state, id)
        : (closedRoundCell.get(state, id, round)?.weights ?? null);
    if (ref === null) {
      const what = round === undefined ? 'no model yet: no round has begun' : `not closed round ${round}`;
      throw new RpcError('not-found', `task ${id} has ${what}`);
    }
    const bytes = bytesToBase64(payloadOf(context, ref.id));
    return { ...refForm(ref), bytes, spec: modelToForm(task.spec.model) };
  },
});
