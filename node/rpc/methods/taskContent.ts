import { z } from 'zod';
import { admissionCell, applicationsOf, contentCell, taskCountCell } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { RpcError } from '../errors.js';
import { bytesToBase64 } from '../json.js';
import { base64, hex32, hexText, ordinal } from '../schemas.js';
import { stateOf } from './find.js';
import { defineMethod } from './method.js';

export const taskContent = defineMethod({
  summary:
    'The sealed content of a task, as the chain keeps it, and the task key as it was wrapped for those who were admitted.',
  params: z.strictObject({ task: ordinal }),
  result: z.object({
    /** Null: the task was published with its title in clear. */
    content: base64.nullable(),
    /** Each opens with the key of its reader alone. */
    admissions: z.array(z.object({ reader: hex32, enc: hex32, wrapped: hexText })),
  }),
  run: ({ context }, { task }) => {
    const state = stateOf(context);
    if (task > (taskCountCell.get(state) ?? 0)) throw new RpcError('not-found', `there is no task ${task}`);
    const content = contentCell.get(state, task);
    const admitted = applicationsOf(state, task).filter(({ status }) => status === 'admitted');
    return {
      content: content === null ? null : bytesToBase64(content),
      admissions: admitted.map(({ provider }) => {
        const { reader, enc, wrapped } = admissionCell.get(state, task, bytesToHex(provider))!;
        return { reader: bytesToHex(reader), enc: bytesToHex(enc), wrapped: bytesToHex(wrapped) };
      }),
    };
  },
});
