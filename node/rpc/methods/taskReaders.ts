import { z } from 'zod';
import type { StateReader } from '../../../chain/index.js';
import {
  accountOf,
  applicationsOf,
  contentTaskCell,
  reportedCell,
  taskCell,
  taskCountCell,
} from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { RpcError } from '../errors.js';
import { answerLimits } from '../limits.js';
import { height, hex32, ordinal } from '../schemas.js';
import { stateOf } from './find.js';
import { defineMethod } from './method.js';

const reader = z.object({
  account: hex32,
  name: z.string(),
  hospital: z.string(),
  area: z.string(),
  /** The publisher reported that the content leaked through this account. */
  reported: z.boolean(),
});

export const taskReaders = defineMethod({
  summary: `Who was admitted to the sealed content of tasks, and whom publishers reported for a leak: ${answerLimits.tasks} tasks from the given id on. From the node’s own machine only.`,
  params: z.strictObject({ from: ordinal.default(1) }),
  result: z.object({
    /** By ascending id; those that nobody was admitted to are left out. */
    tasks: z.array(z.object({ id: ordinal, publishedHeight: height, readers: z.array(reader) })),
    /** What `from` is for those that follow; null: these are all. */
    next: ordinal.nullable(),
  }),
  run: ({ context, fromLoopback }, { from }) => {
    if (!fromLoopback)
      throw new RpcError('not-allowed', 'readers of tasks are asked for on the node’s own machine');
    const state = stateOf(context);
    const published = taskCountCell.get(state) ?? 0;
    const last = Math.min(published, from + answerLimits.tasks - 1);
    const tasks = Array.from({ length: Math.max(0, last - from + 1) }, (_, index) =>
      readOf(state, from + index),
    ).filter(({ readers }) => readers.length > 0);
    return { tasks, next: last < published ? last + 1 : null };
  },
});

function readOf(state: StateReader, id: number) {
  const { publishedHeight } = contentTaskCell.get(state, id) ?? taskCell.get(state, id)!;
  const readers = applicationsOf(state, id).flatMap(({ provider, status }) => {
    if (status !== 'admitted') return [];
    const account = bytesToHex(provider);
    const { name, hospital, area } = accountOf(state, provider)!;
    return [{ account, name, hospital, area, reported: reportedCell.get(state, id, account) !== null }];
  });
  return { id, publishedHeight, readers };
}
