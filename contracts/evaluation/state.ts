import {
  bytes,
  cell,
  type Infer,
  integer,
  list,
  nullable,
  oneOf,
  payloadRefCodec,
  record,
  u64,
  uint,
} from '../../chain/index.js';
import { BINS_MAX } from '../../fl/index.js';
import { claimCodec, evaluationSpecCodec, planCodec } from './calls.js';

/** Evaluations open at once on the chain: each costs every block a look. */
export const EVALUATIONS_OPEN_MAX = 64;
export const EVALUATIONS_PER_TASK_MAX = 64;
/** Plans of one publisher. */
export const PLANS_MAX = 10_000;

/** A plan, and the height at which it was made. `rhoCap`: where ε and δ end, in 2^-40. */
const storedPlanCodec = record({ plan: planCodec, rhoCap: u64, height: uint });
export type StoredPlan = Infer<typeof storedPlanCodec>;

/** By hex public key of the publisher and hex id of the planned task. */
export const planCell = cell('evaluation/plan', storedPlanCodec);
/** How many plans a publisher has made. By hex public key. */
export const plannedCell = cell('evaluation/planned', uint);

const evaluationCodec = record({
  id: uint,
  spec: evaluationSpecCodec,
  /** The model that is evaluated. */
  weights: payloadRefCodec,
  /** `failed`: at the deadline there were fewer answers than the quorum. */
  status: oneOf('open', 'closed', 'failed'),
  openedHeight: uint,
  openedTime: uint,
  closedHeight: nullable(uint),
  answers: uint,
});
export type Evaluation = Infer<typeof evaluationCodec>;

/** Evaluations ever opened; ids run from 1 to this. */
export const evaluationCountCell = cell('evaluation/count', uint);
export const evaluationCell = cell('evaluation/evaluation', evaluationCodec);
/** Ids of the open ones, ascending. */
export const openEvaluationsCell = cell('evaluation/open', list(uint, EVALUATIONS_OPEN_MAX));
/** Ids of a task's, ascending. By task id. */
export const taskEvaluationsCell = cell('evaluation/ofTask', list(uint, EVALUATIONS_PER_TASK_MAX));
/** What the opened evaluations of a task cost a record together: ρ in 2^-40. By task id. */
export const evaluationRhoCell = cell('evaluation/rho', u64);

const sums = list(integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER), BINS_MAX);

/** The sum of the answers so far, [bins] by label, noise included. By evaluation; gone if it failed. */
export const sumCell = cell('evaluation/sum', record({ negatives: sums, positives: sums }));
/** The height of a device's answer. By evaluation and hex device. */
export const answeredCell = cell('evaluation/answered', uint);
/** SHA-256 of the last answer of a device that a block published and its ledger was charged for. As above. */
export const publishedAnswerCell = cell('evaluation/published', bytes(32));

const storedClaimCodec = record({ claim: claimCodec, model: bytes(32), height: uint });
export type StoredClaim = Infer<typeof storedClaimCodec>;

/** By task id. */
export const claimCell = cell('evaluation/claim', storedClaimCodec);
