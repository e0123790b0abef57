import { z } from 'zod';
import {
  applicationsOf,
  type ContentTask,
  contentCell,
  contentTaskCell,
  decodeContent,
  paidCell,
  REFUSAL_REASONS,
  type Task,
  taskCell,
} from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { RpcError } from '../errors.js';
import { count, height, hex32, ordinal } from '../schemas.js';
import { gateStatus } from '../taskForms.js';
import { nameOf, stateOf } from './find.js';
import { defineMethod } from './method.js';

const application = z.object({
  provider: hex32,
  name: z.string(),
  /** The X25519 key that it made for this task. */
  key: hex32,
  status: z.enum(['waiting', 'admitted', 'refused']),
  reason: z.enum(REFUSAL_REASONS).nullable(),
  /** Its part is done. */
  done: z.boolean(),
});

export const taskGate = defineMethod({
  summary:
    'A task of either kind: its state, its reward, and what its gate says. Applicants from the node’s own machine only.',
  params: z.strictObject({ task: ordinal }),
  result: z.object({
    id: ordinal,
    kind: z.enum(['training', 'content']),
    level: count,
    status: gateStatus,
    publisher: hex32,
    publishedHeight: height,
    /** Tokens that were put down for it. */
    reward: count,
    /** How they were paid; null: not yet, or there were none. */
    paid: z
      .object({ returned: count, payments: z.array(z.object({ account: hex32, amount: count })) })
      .nullable(),
    /** Bytes of the ciphertext; null: nothing in it is sealed. */
    sealedBytes: count.nullable(),
    /** Of a content task: how many may be admitted, who says that they are done, and until when, in ms since 1970. */
    content: z
      .object({
        places: count,
        completion: z.enum(['publisher', 'providers']),
        applyUntil: count,
        endsAt: count,
      })
      .nullable(),
    /** In order of arrival; null: not for this caller. */
    applicants: z.array(application).nullable(),
  }),
  run: ({ context, fromLoopback }, { task: id }) => {
    const state = stateOf(context);
    const content = contentTaskCell.get(state, id);
    const training = taskCell.get(state, id);
    if (content === null && training === null) throw new RpcError('not-found', `there is no task ${id}`);
    const sealed = contentCell.get(state, id);
    const paid = paidCell.get(state, id);
    return {
      ...(content === null ? ofTraining(training!) : ofContent(content)),
      id,
      paid: paid && {
        ...paid,
        payments: paid.payments.map((one) => ({ ...one, account: bytesToHex(one.account) })),
      },
      sealedBytes: sealed === null ? null : decodeContent(sealed)!.ciphertext.length,
      applicants: fromLoopback
        ? applicationsOf(state, id).map(({ provider, key, ...rest }) => ({
            provider: bytesToHex(provider),
            name: nameOf(state, provider),
            key: bytesToHex(key),
            ...rest,
          }))
        : null,
    };
  },
});

function ofTraining({ spec, status, publisher, publishedHeight }: Task) {
  const { level, reward } = spec;
  const kind = 'training' as const;
  return { kind, level, status, reward, publisher: bytesToHex(publisher), publishedHeight, content: null };
}

function ofContent(task: ContentTask) {
  const { level, status, publisher, publishedHeight, reward, places, completion, applyUntil, endsAt } = task;
  const kind = 'content' as const;
  const content = { places, completion, applyUntil, endsAt };
  return { kind, level, status, reward, publisher: bytesToHex(publisher), publishedHeight, content };
}
