import {
  bool,
  bytes,
  bytesBetween,
  type Codec,
  encode,
  type Infer,
  integer,
  limits,
  list,
  nullable,
  oneKindOf,
  oneOf,
  record,
  tagged,
  text,
  uint,
} from '../../chain/index.js';
import { sign, verifySignature } from '../../crypto/index.js';
import {
  type AggregationName,
  AIM16_MAX,
  aggregationRules,
  CATEGORIES_MAX,
  CLASSES_MAX,
  CLIP16_MAX,
  type ClippingName,
  COLUMNS_MAX,
  clippingRules,
  FEATURES_MAX,
  type FrontName,
  fronts,
  type LayerKind,
  LOCAL_STEPS_MAX,
  type LocalStepName,
  localSteps,
  MISSING_MAX,
  NAME_BYTES_MAX,
  RATE_ALL,
  RATE16_MAX,
  type ServerStepName,
  SIGMA16_MAX,
  SOURCE_BYTES_MAX,
  serverSteps,
  type VerificationName,
  verificationRules,
  WEIGHT16_MAX,
} from '../../fl/index.js';
import { unitCodec } from '../privacy/index.js';
import { CONTENT_BYTES_MAX } from './content.js';

/** Most units (records) that one device may enrol with, so that no device outweighs the others. */
export const UNITS_MAX = 10_000;
export const DEVICES_MAX = 1_000;

/** Longest audit window: more heights than a chain has in a century at one a second. */
export const AUDIT_HEIGHTS_MAX = 2 ** 32;

/** Longest wait of a task, of chain time. */
export const WAIT_MS_MAX = 30 * 86_400_000;
export const DEADLINE_BLOCKS_MAX = 1_000_000;

/** Sides, units and inputs of one layer; what fits together is far smaller. */
export const SIDE_MAX = 100_000;
export const DROPOUT16_MAX = 65_535;

const micro = integer(-1e15, 1e15);

const count = integer(1, SIDE_MAX);
const activation = oneOf('linear', 'relu', 'tanh', 'sigmoid');

/** As in fl/model; what fits together is `checkModel`'s business. */
export const modelCodec = record({
  inputs: count,
  layers: list(
    oneKindOf({
      dense: { units: count, activation },
      conv2d: { filters: count, size: count, padding: oneOf('same', 'valid'), activation },
      pool2d: { pool: oneOf('max', 'mean'), size: count },
      reshape: { height: count, width: count, channels: count },
      flatten: {},
      dropout: { rate16: integer(0, DROPOUT16_MAX) },
      groupNorm: { groups: count },
    } satisfies Record<LayerKind, unknown>),
    32,
  ),
});

const nameText = text(NAME_BYTES_MAX);

export const schemaCodec = record({
  features: list(
    record({
      name: nameText,
      kind: oneOf('number', 'category'),
      count: integer(1, COLUMNS_MAX),
      centerMicro: micro,
      scaleMicro: integer(1, 1e15),
      minMicro: micro,
      maxMicro: micro,
      categories: list(nameText, CATEGORIES_MAX),
      missing: list(nameText, MISSING_MAX),
      indicator: bool,
      source: text(SOURCE_BYTES_MAX),
    }),
    FEATURES_MAX,
  ),
  label: record({
    name: nameText,
    /** The index of a class is what the model predicts. */
    classes: list(nameText, CLASSES_MAX),
    weights16: list(integer(1, WEIGHT16_MAX), CLASSES_MAX),
  }),
  subject: nullable(nameText),
  site: nullable(nameText),
});

/** Names come from the tables of rules, so that a new rule is one file and one line there. */
const nameOf = <N extends string>(rules: Readonly<Record<N, unknown>>): Codec<N> =>
  oneOf(...Object.keys(rules)) as Codec<N>;

/**
 * A training task, as its publisher fixes it.
 *
 * Unit: learning rates, clip, σ and everything else with 16 in its name in 2^-16; ε in 1e-6; δ in 1e-12; times in milliseconds. ε and δ 0 together
 * with σ 0: no privacy, which only data declared public may have.
 */
export const taskSpecCodec = record({
  title: text(200),
  level: integer(1, limits.levelMax),
  model: modelCodec,
  weightsSeed: bytes(32),
  schema: schemaCodec,
  publicData: bool,
  learningRate16: integer(1, 2 ** 32),
  rounds: integer(1, 100_000),
  privacy: record({
    unit: unitCodec,
    epsilonMicro: integer(0, 64_000_000),
    deltaPico: integer(0, 100_000_000_000),
    sigma16: integer(0, SIGMA16_MAX),
    clip16: integer(1, CLIP16_MAX),
  }),
  /** How the threshold moves from round to round, C being the first and the largest. */
  clipping: record({
    rule: nameOf<ClippingName>(clippingRules),
    clipMin16: integer(1, CLIP16_MAX),
    rate16: integer(1, RATE16_MAX),
    aim16: integer(1, AIM16_MAX),
    /** Noise of each device's count, for a rule that asks for one; charged beside the update's. */
    countSigma16: integer(0, SIGMA16_MAX),
  }),
  verification: record({
    rule: nameOf<VerificationName>(verificationRules),
    /** How updates are averaged before the rule sees them. */
    front: nameOf<FrontName>(fronts),
    /** Poisoned devices that the rule shall withstand. */
    faulty: integer(0, DEVICES_MAX),
    /** absolute: refusals by an absolute test cost a point; paper: every refusal does; none: nothing does. */
    reputation: oneOf('absolute', 'paper', 'none'),
  }),
  aggregation: nameOf<AggregationName>(aggregationRules),
  /** The server's step; its learning rate is the task's. */
  server: record({
    step: nameOf<ServerStepName>(serverSteps),
    momentum16: integer(0, 65_535),
    secondMoment16: integer(0, 65_535),
    adaptivity16: integer(1, 65_536),
  }),
  /** What a device does in a round; each of its steps is a release that the ledger is charged for. */
  local: record({
    step: nameOf<LocalStepName>(localSteps),
    steps: integer(1, LOCAL_STEPS_MAX),
    learningRate16: integer(1, 2 ** 32),
    proximal16: integer(0, 2 ** 32),
    noise: oneOf('every-step', 'once'),
    /** Share of units drawn in secret for each step, in 2^-32; 2^32: all. Declared: nobody can see it. */
    rate32: integer(1, RATE_ALL),
  }),
  devicesMax: integer(1, DEVICES_MAX),
  quorum: integer(1, DEVICES_MAX),
  enrolMs: integer(0, WAIT_MS_MAX),
  deadlineMs: integer(1, WAIT_MS_MAX),
  deadlineBlocks: integer(1, DEADLINE_BLOCKS_MAX),
  /**
   * The audit window: so many heights after a round has closed its payloads may go (updates, and the model and
   * accumulator that it began with). Until then every node holds them; the task's last model stays.
   */
  auditHeights: integer(1, AUDIT_HEIGHTS_MAX),
  reward: uint,
});
export type TaskSpec = Infer<typeof taskSpecCodec>;

const enrolment = {
  task: integer(1, Number.MAX_SAFE_INTEGER),
  device: bytes(32),
  /** N_k: units that the device trains on, public and fixed for the task. */
  units: integer(1, UNITS_MAX),
  dataset: bytes(32),
  schemaHash: bytes(32),
};
const enrolmentCodec = tagged('consilium/enrolment', 1, enrolment);
export type EnrolmentTerms = Omit<Infer<typeof enrolmentCodec>, 'chainId'>;

/** The validator of the device's hospital vouches for the terms of an enrolment. */
export function signEnrolment(chainId: Uint8Array, terms: EnrolmentTerms, secret: Uint8Array): Uint8Array {
  return sign(secret, encode(enrolmentCodec, { ...terms, chainId }));
}

export function verifyEnrolment(
  chainId: Uint8Array,
  terms: EnrolmentTerms,
  validator: Uint8Array,
  signature: Uint8Array,
): boolean {
  return verifySignature(validator, encode(enrolmentCodec, { ...terms, chainId }), signature);
}

export const publishCodec = record({ spec: taskSpecCodec });

/** The same with a content that only its readers open: then the title says nothing. */
export const publishSealedCodec = record({
  spec: taskSpecCodec,
  content: bytesBetween(1, 2 * CONTENT_BYTES_MAX),
});

/** Sent by the device; `approval` is its validator's signature under the same terms. */
export const applyCodec = record({
  task: enrolment.task,
  units: enrolment.units,
  dataset: bytes(32),
  schemaHash: bytes(32),
  approval: bytes(64),
});
export type Apply = Infer<typeof applyCodec>;
