import { z } from 'zod';
import {
  type ContentTask,
  DROPOUT16_MAX,
  SIDE_MAX,
  type Task,
  type TaskSpec,
} from '../../contracts/index.js';
import { bytesToHex, hexToBytes } from '../../crypto/index.js';
import {
  aggregationRules,
  type ClippingName,
  clippingRules,
  type FrontName,
  fronts,
  type Layer,
  type LocalStepName,
  localSteps,
  type ServerStepName,
  serverSteps,
  units,
  type VerificationName,
  verificationRules,
} from '../../fl/index.js';
import { count, hex32 } from './schemas.js';

/** One of a table's names. */
export const namesOf = <N extends string>(rules: Readonly<Record<N, unknown>>) =>
  z.enum(Object.keys(rules) as [N, ...N[]]);

const activation = z.enum(['linear', 'relu', 'tanh', 'sigmoid']);
const side = z.number().int().min(1).max(SIDE_MAX);

/** A layer as people and programs write it; kinds as in fl/model/layers. */
export const layerForm = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('dense'), units: side, activation }),
  z.strictObject({
    kind: z.literal('conv2d'),
    filters: side,
    size: side,
    padding: z.enum(['same', 'valid']),
    activation,
  }),
  z.strictObject({ kind: z.literal('pool2d'), pool: z.enum(['max', 'mean']), size: side }),
  z.strictObject({ kind: z.literal('reshape'), height: side, width: side, channels: side }),
  z.strictObject({ kind: z.literal('flatten') }),
  z.strictObject({ kind: z.literal('dropout'), rate16: count.max(DROPOUT16_MAX) }),
  z.strictObject({ kind: z.literal('groupNorm'), groups: side }),
]) satisfies z.ZodType<Layer>;

export const modelForm = z.object({ inputs: count, layers: z.array(layerForm) });

const integer = z.number().int();

const texts = z.array(z.string()).readonly();

/** A data schema as the chain keeps it. Units as in fl/data (`FeatureSchema`). */
export const schemaForm = z.object({
  features: z
    .array(
      z.object({
        name: z.string(),
        kind: z.enum(['number', 'category']),
        count,
        centerMicro: integer,
        scaleMicro: integer,
        minMicro: integer,
        maxMicro: integer,
        categories: texts,
        missing: texts,
        indicator: z.boolean(),
        source: z.string(),
      }),
    )
    .readonly(),
  label: z.object({ name: z.string(), classes: texts, weights16: z.array(count).readonly() }),
  subject: z.string().nullable(),
  site: z.string().nullable(),
});

/** A task's specification as JSON. Units as in contracts/tasks (`taskSpecCodec`). */
export const taskSpecForm = z.object({
  title: z.string(),
  level: count,
  model: modelForm,
  weightsSeed: hex32,
  schema: schemaForm,
  publicData: z.boolean(),
  learningRate16: count,
  rounds: count,
  privacy: z.object({
    unit: z.enum(units),
    epsilonMicro: count,
    deltaPico: count,
    sigma16: count,
    clip16: count,
  }),
  clipping: z.object({
    rule: namesOf<ClippingName>(clippingRules),
    clipMin16: count,
    rate16: count,
    aim16: count,
    countSigma16: count,
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
    /** Share of units drawn in secret for each step, in 2^-32: declared, nobody can see it. */
    rate32: count,
  }),
  devicesMax: count,
  quorum: count,
  enrolMs: count,
  deadlineMs: count,
  deadlineBlocks: count,
  auditHeights: count,
  reward: count,
});
export type TaskSpecForm = z.infer<typeof taskSpecForm>;

export const taskStatus = z.enum([
  'enrolling',
  'running',
  'ending',
  'done',
  'failed',
  'withdrawn',
] satisfies readonly Task['status'][]);

/** Of tasks of either kind. */
export const gateStatus = z.enum([...taskStatus.options, 'open', 'expired']) satisfies z.ZodType<
  Task['status'] | ContentTask['status']
>;

export function taskSpecToForm(spec: TaskSpec): z.input<typeof taskSpecForm> {
  return {
    ...spec,
    model: modelToForm(spec.model),
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
