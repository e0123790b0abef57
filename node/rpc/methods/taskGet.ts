import { z } from 'zod';
import { enrolledCell, roundCell } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import { count, height, hex32, ordinal, payloadRef } from '../schemas.js';
import { taskSpecForm, taskSpecToForm, taskStatus } from '../taskForms.js';
import { nameOf, stateOf, taskOf } from './find.js';
import { defineMethod } from './method.js';
import { modelRef } from './rounds.js';

export const taskGet = defineMethod({
  summary: 'A task: its specification, who is enrolled, its open round, its newest model.',
  ofHead: true,
  params: z.strictObject({ task: ordinal }),
  result: z.object({
    id: ordinal,
    spec: taskSpecForm,
    status: taskStatus,
    publisher: hex32,
    publishedHeight: height,
    /** When enrolment ends at the latest, in milliseconds since 1970. */
    enrolUntil: count,
    enrolled: z.array(z.object({ device: hex32, name: z.string(), units: count, dataset: hex32 })),
    round: z.object({ round: ordinal, openedHeight: height, updates: count }).nullable(),
    model: payloadRef.nullable(),
  }),
  run: ({ context }, params) => {
    const state = stateOf(context);
    const task = taskOf(state, params.task);
    const open = roundCell.get(state, task.id);
    return {
      id: task.id,
      spec: taskSpecToForm(task.spec),
      status: task.status,
      publisher: bytesToHex(task.publisher),
      publishedHeight: task.publishedHeight,
      enrolUntil: task.enrolUntil,
      enrolled: (enrolledCell.get(state, task.id) ?? []).map(({ device, units, dataset }) => ({
        device: bytesToHex(device),
        name: nameOf(state, device),
        units,
        dataset: bytesToHex(dataset),
      })),
      round:
        open === null
          ? null
          : { round: open.round, openedHeight: open.openedHeight, updates: open.updates.length },
      model: modelRef(state, task),
    };
  },
});
