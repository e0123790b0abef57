import { z } from 'zod';
import { contentCell } from '../../../contracts/index.js';
import { bytesToBase64 } from '../json.js';
import { base64, ordinal } from '../schemas.js';
import { stateOf, taskOf } from './find.js';
import { defineMethod } from './method.js';

export const taskContent = defineMethod({
  summary: 'The sealed content of a task, as the chain keeps it: only its readers can open it.',
  params: z.strictObject({ task: ordinal }),
  /** Null: the task was published with its title in clear. */
  result: z.object({ content: base64.nullable() }),
  run: ({ context }, { task }) => {
    const state = stateOf(context);
    const content = contentCell.get(state, taskOf(state, task).id);
    return { content: content === null ? null : bytesToBase64(content) };
  },
});
