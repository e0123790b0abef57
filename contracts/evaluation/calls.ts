import { bytes, encode, type Infer, integer, list, nullable, record, tagged } from '../../chain/index.js';
import { sha256 } from '../../crypto/index.js';
import { BINS_MAX, HELD_OUT16_MAX, SIGMA16_MAX } from '../../fl/index.js';
import { unitCodec } from '../privacy/index.js';
import { DEVICES_MAX, type TaskSpec, taskSpecCodec } from '../tasks/index.js';

const ordinal = integer(1, Number.MAX_SAFE_INTEGER);
const micro = integer(0, 1_000_000);

/** Far above what rows and noise of one device can make of a count. */
export const COUNT_MAX = 2 ** 40;
/** Rows of a publisher's test set. */
export const TEST_ROWS_MAX = 10_000_000;

const specCodec = tagged('consilium/planned-task', 1, { spec: taskSpecCodec });

/** What names a task before it is published: the SHA-256 of its spec. */
export function plannedTask(chainId: Uint8Array, spec: TaskSpec): Uint8Array {
  return sha256(encode(specCodec, { chainId, spec }));
}

/**
 * How a task's model will be evaluated, said before the task is published: devices read it when they enrol.
 *
 * heldOut16: the share of its rows that each device keeps from training (2^-16); 0: none. ε (1e-6) and δ (1e-12): what
 * all evaluations of the task together may cost a record; both 0: none, or without noise on data declared public.
 * testSet: the salted commitment to the publisher's own test set; null: there is none.
 */
export const planCodec = record({
  task: bytes(32),
  heldOut16: integer(0, HELD_OUT16_MAX),
  epsilonMicro: integer(0, 64_000_000),
  deltaPico: integer(0, 100_000_000_000),
  testSet: nullable(bytes(32)),
});
export type PlanArgs = Infer<typeof planCodec>;

/**
 * One evaluation, as the publisher opens it: which model, and what each device is asked for, a count of its held-out
 * rows by label and score, in `bins` bins of equal width, with noise of standard deviation σ on each.
 *
 * Unit: σ in 2^-16, times in milliseconds. round: the model that this closed round gave.
 */
export const evaluationSpecCodec = record({
  task: ordinal,
  round: integer(1, 1_000_000),
  unit: unitCodec,
  bins: integer(2, BINS_MAX),
  sigma16: integer(0, SIGMA16_MAX),
  quorum: integer(1, DEVICES_MAX),
  deadlineMs: integer(1, 30 * 86_400_000),
  deadlineBlocks: integer(1, 1_000_000),
});
export type EvaluationSpec = Infer<typeof evaluationSpecCodec>;

export const openCodec = record({ spec: evaluationSpecCodec });

const counts = list(integer(-COUNT_MAX, COUNT_MAX), BINS_MAX);

/** A device's answer: [bins] noised counts of its held-out rows of each label. */
export const answerCodec = record({ evaluation: ordinal, negatives: counts, positives: counts });
export type Answer = Infer<typeof answerCodec>;

/**
 * What a publisher says, once, of its model on the test set that it committed to. Shares in 1e-6; null: not defined.
 * `sensitivity` is that at `specificityMicro`.
 */
export const claimCodec = record({
  task: ordinal,
  rows: integer(1, TEST_ROWS_MAX),
  positives: integer(0, TEST_ROWS_MAX),
  specificityMicro: micro,
  measures: record({
    auroc: nullable(micro),
    auprc: nullable(micro),
    brier: micro,
    accuracy: micro,
    sensitivity: nullable(micro),
  }),
});
export type ClaimArgs = Infer<typeof claimCodec>;
