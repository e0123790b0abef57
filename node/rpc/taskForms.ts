import { z } from 'zod';
import type { Task, TaskSpec } from '../../contracts/index.js';
import { bytesToHex, hexToBytes } from '../../crypto/index.js';
import {
  aggregationRules,
  type FrontName,
  fronts,
  type LocalStepName,
  localSteps,
  type ServerStepName,
  serverSteps,
  type VerificationName,
  verificationRules,
} from '../../fl/index.js';
import { count, hex32 } from './schemas.js';

const namesOf = <N extends string>(rules: Readonly<Record<N, unknown>>) =>
  z.enum(Object.keys(rules) as [N, ...N[]]);

export const modelForm = z.object({
  inputs: count,
  layers: z.array(
    z.object({
      kind: z.literal('dense'),
      units: count,
      activation: z.enum(['linear', 'relu', 'tanh', 'sigmoid']),
    }),
  ),
});

const integer = z.number().int();

/** A task's specification as JSON. Units as in contracts/tasks (`taskSpecCodec`). */
export const taskSpecForm = z.object({
  title: z.string(),
  level: count,
  model: modelForm,
  weightsSeed: hex32,
  schema: z.object({
    features: z.array(
      z.object({
        name: z.string(),
        centerMicro: integer,
        scaleMicro: integer,
        minMicro: integer,
        maxMicro: integer,
        zeroIsMissing: z.boolean(),
      }),
    ),
    label: z.object({ name: z.string(), positive: z.string(), negative: z.string() }),
  }),
  publicData: z.boolean(),
  learningRate16: count,
  rounds: count,
  privacy: z.object({
    unit: z.literal('record'),
    epsilonMicro: count,
    deltaPico: count,
    sigma16: count,
    clip16: count,
  }),
  verification: z.object({
    rule: namesOf<VerificationName>(verificationRules),
    front: namesOf<FrontName>(fronts),
    faulty: count,
    reputation: z.enum(['absolute', 'paper', 'none']),
  }),
  aggregation: namesOf(aggregationRules),
  server: z.object({
    step: namesOf<ServerStepName>(serverSteps),
    momentum16: count,
    secondMoment16: count,
    adaptivity16: count,
  }),
  local: z.object({
    step: namesOf<LocalStepName>(localSteps),
    steps: count,
    learningRate16: count,
    proximal16: count,
    noise: z.enum(['every-step', 'once']),
  }),
  devicesMax: count,
  quorum: count,
  enrolMs: count,
  deadlineMs: count,
  deadlineBlocks: count,
  reward: count,
});
export type TaskSpecForm = z.infer<typeof taskSpecForm>;

export const taskStatus = z.enum(['enrolling', 'running', 'done', 'failed']) satisfies z.ZodType<
  Task['status']
>;

export function taskSpecToForm(spec: TaskSpec): z.input<typeof taskSpecForm> {
  return {
    ...spec,
    model: modelToForm(spec.model),
    schema: { ...spec.schema, features: [...spec.schema.features] },
    weightsSeed: bytesToHex(spec.weightsSeed),
  };
}

/** Inverse of `taskSpecToForm`: what a publisher or a device works with. */
export function taskSpecFromForm(form: TaskSpecForm): TaskSpec {
  return { ...form, weightsSeed: hexToBytes(form.weightsSeed) };
}

export function modelToForm(model: TaskSpec['model']): z.input<typeof modelForm> {
  return { ...model, layers: [...model.layers] };
}
