import { z } from 'zod';
import { limits } from '../../chain/index.js';
import { DEVICES_MAX, type TaskSpec } from '../../contracts/index.js';
import {
  type AggregationName,
  aggregationRules,
  calibrateSigma16,
  type FrontName,
  fronts,
  LOCAL_STEPS_MAX,
  type LocalStepName,
  localSteps,
  readSchema,
  type ServerStepName,
  serverSteps,
  type VerificationName,
  verificationRules,
} from '../../fl/index.js';
import { layerForm } from '../rpc/index.js';
import { CliError } from './failure.js';

const ONE16 = 65_536;
const AUDIT_HEIGHTS = 100_000;

const oneNameOf = <N extends string>(rules: Readonly<Record<N, unknown>>) =>
  z.enum(Object.keys(rules) as [N, ...N[]]);

/**
 * A training task as people write it (JSON), for `task publish`. Numbers in the units that the names say;
 * `privacy: null` is training without noise, for public data only.
 */
export const taskFileSchema = z.strictObject({
  title: z.string().min(1).max(200),
  level: z.number().int().min(1).max(limits.levelMax).default(1),
  model: z.strictObject({
    inputs: z.number().int().min(1),
    layers: z.array(layerForm).min(1).max(32),
  }),
  /** 32 bytes of hex: the initial weights follow from it. */
  weightsSeed: z.string().regex(/^[0-9a-f]{64}$/, 'a seed is 64 hex digits'),
  /** As in datasets/pima.schema.json. */
  schema: z.unknown(),
  publicData: z.boolean().default(false),
  learningRate: z.number().positive().max(65_536),
  rounds: z.number().int().min(1).max(100_000),
  clip: z.number().positive().max(32_768).default(1),
  privacy: z
    .strictObject({ epsilon: z.number().positive().max(64), delta: z.number().positive().max(0.1) })
    .nullable(),
  verification: oneNameOf<VerificationName>(verificationRules).default('alignment'),
  /** What averages updates before the rule sees them. */
  front: oneNameOf<FrontName>(fronts).default('none'),
  /** Poisoned devices that the rule shall withstand. */
  faulty: z.number().int().min(0),
  reputation: z.enum(['absolute', 'paper', 'none']).default('absolute'),
  aggregation: oneNameOf<AggregationName>(aggregationRules).default('mean'),
  /** The server's step, with the learning rate of the task. */
  server: z
    .strictObject({
      step: oneNameOf<ServerStepName>(serverSteps).default('fedavg'),
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
  /** What a device does in a round: each step is noised and charged. */
  local: z
    .strictObject({
      step: oneNameOf<LocalStepName>(localSteps).default('fedsgd'),
      steps: z.number().int().min(1).max(LOCAL_STEPS_MAX).default(1),
      learningRate: z.number().positive().max(65_536).default(1),
      proximal: z.number().min(0).max(65_536).default(0),
      noise: z.enum(['every-step', 'once']).default('every-step'),
    })
    .prefault({}),
  devices: z.number().int().min(1).max(DEVICES_MAX),
  quorum: z.number().int().min(1).max(DEVICES_MAX),
  enrolMs: z.number().int().min(0).default(60_000),
  deadlineMs: z.number().int().min(1).default(5_000),
  deadlineBlocks: z.number().int().min(1).default(2),
  /** Heights for which the payloads of a closed round are held. */
  auditHeights: z.number().int().min(1).default(AUDIT_HEIGHTS),
  /** Tokens that the publisher puts down for the devices. */
  reward: z.number().int().min(0).default(0),
});
export type TaskFile = z.input<typeof taskFileSchema>;

/**
 * The task that goes on chain: whole numbers, and the least noise with which all steps of all rounds fit under ε and δ.
 * Throws CliError "bad-config" with the place of the fault. What only the chain can know, it refuses itself.
 */
export function taskSpecOf(file: unknown): TaskSpec {
  const parsed = taskFileSchema.safeParse(file);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    throw new CliError('bad-config', `task: ${issue.path.join('.') || 'the file'}: ${issue.message}`);
  }
  const task = parsed.data;
  const schema = readSchema(task.schema);
  if (!schema.ok) throw new CliError('bad-config', `task: schema: ${schema.reason}`);
  return {
    title: task.title,
    level: task.level,
    model: task.model,
    weightsSeed: Uint8Array.from(Buffer.from(task.weightsSeed, 'hex')),
    schema: schema.schema,
    publicData: task.publicData,
    learningRate16: Math.max(1, Math.round(task.learningRate * ONE16)),
    rounds: task.rounds,
    privacy: privacyOf(task),
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
    local: {
      step: task.local.step,
      steps: task.local.steps,
      learningRate16: Math.max(1, Math.round(task.local.learningRate * ONE16)),
      proximal16: Math.round(task.local.proximal * ONE16),
      noise: task.local.noise,
    },
    devicesMax: task.devices,
    quorum: task.quorum,
    enrolMs: task.enrolMs,
    deadlineMs: task.deadlineMs,
    deadlineBlocks: task.deadlineBlocks,
    auditHeights: task.auditHeights,
    reward: task.reward,
  };
}

function privacyOf({ privacy, clip, rounds, local }: z.output<typeof taskFileSchema>): TaskSpec['privacy'] {
  const clip16 = Math.max(1, Math.round(clip * ONE16));
  if (privacy === null) return { unit: 'record', epsilonMicro: 0, deltaPico: 0, sigma16: 0, clip16 };
  const epsilonMicro = Math.max(1, Math.round(privacy.epsilon * 1e6));
  const deltaPico = Math.max(1, Math.round(privacy.delta * 1e12));
  const sigma16 = calibrateSigma16({ epsilonMicro, deltaPico, rounds: rounds * local.steps });
  return { unit: 'record', epsilonMicro, deltaPico, sigma16, clip16 };
}
