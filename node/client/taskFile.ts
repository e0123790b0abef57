import { z } from 'zod';
import { limits } from '../../chain/index.js';
import {
  AUDIT_HEIGHTS_MAX,
  DEADLINE_BLOCKS_MAX,
  DEVICES_MAX,
  SIDE_MAX,
  type TaskSpec,
  WAIT_MS_MAX,
} from '../../contracts/index.js';
import { hexToBytes } from '../../crypto/index.js';
import {
  type AggregationName,
  aggregationRules,
  type ClippingName,
  calibrateCountSigma16,
  calibrateUpdateSigma16,
  clippingRules,
  type FrontName,
  fronts,
  LOCAL_STEPS_MAX,
  type LocalStepName,
  localSteps,
  RATE_ALL,
  readSchema,
  type ServerStepName,
  serverSteps,
  units,
  type VerificationName,
  verificationRules,
} from '../../fl/index.js';
import { layerForm, namesOf } from '../rpc/taskForms.js';

const ONE16 = 65_536;
const AUDIT_HEIGHTS = 100_000;
/** What a clipping rule goes by unless told otherwise; the least threshold is so small a part of the first. */
const CLIPPING: Readonly<Record<ClippingName, { rate: number; aim: number; minPart: number }>> = {
  fixed: { rate: 0.1, aim: 1, minPart: 1_000 },
  adaptive: { rate: 0.1, aim: 1, minPart: 1_000 },
  quantile: { rate: 0.1, aim: 0.5, minPart: 1_000 },
  // Chosen on the tuning seeds of bench/learning/clipping.ts; from a C a hundred times too large, seven rounds.
  search: { rate: 0.5, aim: 0.2, minPart: 100 },
};

/**
 * A training task as people write it (JSON), for `task publish`. Numbers in the units that the names say. What each
 * field means stands in `taskFields`, and with its bounds in docs/reference/task-file.md.
 */
export const taskFileSchema = z.strictObject({
  title: z.string().min(1).max(200),
  level: z.number().int().min(1).max(limits.levelMax).default(1),
  model: z.strictObject({
    inputs: z.number().int().min(1).max(SIDE_MAX),
    layers: z.array(layerForm).min(1).max(32),
  }),
  weightsSeed: z.string().regex(/^[0-9a-f]{64}$/, 'a seed is 64 hex digits'),
  schema: z.unknown(),
  publicData: z.boolean().default(false),
  learningRate: z.number().positive().max(65_536),
  rounds: z.number().int().min(1).max(100_000),
  clip: z.number().positive().max(32_767).default(1),
  unit: z.enum(units).default('record'),
  clipping: z
    .strictObject({
      rule: namesOf<ClippingName>(clippingRules).default('fixed'),
      min: z.number().positive().max(32_767).optional(),
      rate: z.number().positive().max(1).optional(),
      aim: z.number().positive().max(256).optional(),
      countSigma: z.number().positive().max(32_767).optional(),
    })
    .prefault({}),
  privacy: z
    .strictObject({
      epsilon: z.number().positive().max(64),
      delta: z.number().positive().max(0.1),
      sigma: z.number().positive().max(32_767).optional(),
    })
    .nullable(),
  verification: namesOf<VerificationName>(verificationRules).default('alignment'),
  front: namesOf<FrontName>(fronts).default('none'),
  faulty: z.number().int().min(0).max(DEVICES_MAX),
  reputation: z.enum(['absolute', 'paper', 'none']).default('absolute'),
  aggregation: namesOf<AggregationName>(aggregationRules).default('mean'),
  server: z
    .strictObject({
      step: namesOf<ServerStepName>(serverSteps).default('fedavg'),
      momentum: z
        .number()
        .min(0)
        .max(65_535 / ONE16)
        .default(0.9),
      secondMoment: z
        .number()
        .min(0)
        .max(65_535 / ONE16)
        .default(0.99),
      adaptivity: z.number().positive().max(1).default(0.001),
    })
    .prefault({}),
  local: z
    .strictObject({
      step: namesOf<LocalStepName>(localSteps).default('fedsgd'),
      steps: z.number().int().min(1).max(LOCAL_STEPS_MAX).default(1),
      learningRate: z.number().positive().max(65_536).default(1),
      proximal: z.number().min(0).max(65_536).default(0),
      noise: z.enum(['every-step', 'once']).optional(),
      rate: z.number().positive().max(1).default(1),
    })
    .prefault({}),
  devices: z.number().int().min(1).max(DEVICES_MAX),
  quorum: z.number().int().min(1).max(DEVICES_MAX),
  enrolMs: z.number().int().min(0).max(WAIT_MS_MAX).default(60_000),
  deadlineMs: z.number().int().min(1).max(WAIT_MS_MAX).default(5_000),
  deadlineBlocks: z.number().int().min(1).max(DEADLINE_BLOCKS_MAX).default(2),
  auditHeights: z.number().int().min(1).max(AUDIT_HEIGHTS_MAX).default(AUDIT_HEIGHTS),
  reward: z.number().int().min(0).default(0),
});
export type TaskFile = z.input<typeof taskFileSchema>;

/** A task that cannot be published as it is written; the message names the place. */
export class TaskFileError extends Error {
  override readonly name = 'TaskFileError';
  readonly code = 'bad-config';
}

/** A task file with its defaults filled in. Throws TaskFileError with the place of the fault. */
export function parseTaskFile(file: unknown): z.output<typeof taskFileSchema> {
  const parsed = taskFileSchema.safeParse(file);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw new TaskFileError(`task: ${issue.path.join('.') || 'the file'}: ${issue.message}`);
}

/**
 * The task that goes on chain: whole numbers, and the least noise with which all steps of all rounds fit under ε and δ.
 * Throws TaskFileError with the place of the fault. What only the chain can know, it refuses itself.
 */
export function taskSpecOf(file: unknown): TaskSpec {
  const task = parseTaskFile(file);
  const schema = readSchema(task.schema);
  if (!schema.ok) throw new TaskFileError(`task: schema: ${schema.reason}`);
  return {
    title: task.title,
    level: task.level,
    model: task.model,
    weightsSeed: hexToBytes(task.weightsSeed),
    schema: schema.schema,
    publicData: task.publicData,
    learningRate16: Math.max(1, Math.round(task.learningRate * ONE16)),
    rounds: task.rounds,
    ...protectionOf(task),
    verification: {
      rule: task.verification,
      front: task.front,
      faulty: task.faulty,
      reputation: task.reputation,
    },
    aggregation: task.aggregation,
    server: {
      step: task.server.step,
      momentum16: Math.round(task.server.momentum * ONE16),
      secondMoment16: Math.round(task.server.secondMoment * ONE16),
      adaptivity16: Math.max(1, Math.round(task.server.adaptivity * ONE16)),
    },
    local: localOf(task),
    devicesMax: task.devices,
    quorum: task.quorum,
    enrolMs: task.enrolMs,
    deadlineMs: task.deadlineMs,
    deadlineBlocks: task.deadlineBlocks,
    auditHeights: task.auditHeights,
    reward: task.reward,
  };
}

type Parsed = z.output<typeof taskFileSchema>;

/** Unit, budget and threshold, with the least noise that fits the budget. */
function protectionOf(task: Parsed): Pick<TaskSpec, 'privacy' | 'clipping'> {
  const clip16 = in16(task.clip);
  const { rule, min, rate, aim, countSigma } = task.clipping;
  const { asksForCount } = clippingRules[rule];
  const unsaid = CLIPPING[rule];
  const choice = {
    rule,
    clipMin16: min === undefined ? Math.max(1, Math.round(clip16 / unsaid.minPart)) : in16(min),
    rate16: in16(rate ?? unsaid.rate),
    aim16: in16(aim ?? unsaid.aim),
  };
  const { unit } = task;
  if (task.privacy === null) {
    const privacy = { unit, epsilonMicro: 0, deltaPico: 0, sigma16: 0, clip16 } as const;
    return { privacy, clipping: { ...choice, countSigma16: 0 } };
  }
  const epsilonMicro = Math.max(1, Math.round(task.privacy.epsilon * 1e6));
  const deltaPico = Math.max(1, Math.round(task.privacy.delta * 1e12));
  const { rounds } = task;
  const budget = { epsilonMicro, deltaPico, rounds };
  const countSigma16 = !asksForCount
    ? 0
    : countSigma === undefined
      ? calibrateCountSigma16(budget)
      : in16(countSigma);
  const clipping = { ...choice, countSigma16 };
  const { sigma } = task.privacy;
  const sigma16 =
    sigma === undefined
      ? calibrateUpdateSigma16({ ...budget, unit, local: localOf(task), clipping })
      : in16(sigma);
  if (sigma16 === null)
    throw new TaskFileError('task: privacy: no noise keeps this ε and δ over so many rounds');
  return { privacy: { unit, epsilonMicro, deltaPico, sigma16, clip16 }, clipping };
}

function localOf({ local, unit }: Parsed): TaskSpec['local'] {
  return {
    step: local.step,
    steps: local.steps,
    learningRate16: in16(local.learningRate),
    proximal16: Math.round(local.proximal * ONE16),
    noise: local.noise ?? (unit === 'device' ? 'once' : 'every-step'),
    rate32: Math.max(1, Math.round(local.rate * RATE_ALL)),
  };
}

function in16(value: number): number {
  return Math.max(1, Math.round(value * ONE16));
}
