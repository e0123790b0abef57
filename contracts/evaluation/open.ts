import {
  type CallScope,
  type PayloadRef,
  type Refusal,
  refuse,
  type StateReader,
} from '../../chain/index.js';
import { equalBytes } from '../../crypto/index.js';
import { classCount, histogramRho } from '../../fl/index.js';
import { enrolledCell, type Task, taskCell } from '../tasks/index.js';
import { closedRoundCell, modelCell } from '../training/index.js';
import type { EvaluationSpec } from './calls.js';
import { planOf } from './plan.js';
import {
  EVALUATIONS_OPEN_MAX,
  EVALUATIONS_PER_TASK_MAX,
  evaluationCell,
  evaluationCountCell,
  evaluationRhoCell,
  openEvaluationsCell,
  sumCell,
  taskEvaluationsCell,
} from './state.js';

/** Opens an evaluation of the model that a closed round gave, within what the task's plan allows. */
export function openEvaluation<C>(
  scope: CallScope<C>,
  { spec }: { readonly spec: EvaluationSpec },
): Refusal | null {
  const { state, block } = scope;
  const task = taskCell.get(state, spec.task);
  if (task === null) return refuse('unknown-task', `there is no task ${spec.task}`);
  const weights = modelAfter(state, task, spec.round);
  const refused =
    notAllowed(scope, task) ??
    unfit(scope, task, spec) ??
    lostModel(scope, task, spec) ??
    crowded(state, task);
  if (refused !== null) return refused;
  const id = (evaluationCountCell.get(state) ?? 0) + 1;
  const rho = histogramRho(spec.sigma16) + (evaluationRhoCell.get(state, task.id) ?? 0n);
  evaluationCountCell.set(state, id);
  evaluationRhoCell.set(state, rho, task.id);
  openEvaluationsCell.set(state, [...(openEvaluationsCell.get(state) ?? []), id]);
  taskEvaluationsCell.set(state, [...(taskEvaluationsCell.get(state, task.id) ?? []), id], task.id);
  const none = new Array<number>(spec.bins).fill(0);
  sumCell.set(state, { negatives: none, positives: none }, id);
  const opened = { openedHeight: block.height, openedTime: block.time, closedHeight: null, answers: 0 };
  evaluationCell.set(state, { id, spec, weights: weights!, status: 'open', ...opened }, id);
  scope.emit('opened', { evaluation: id, task: task.id, round: spec.round, weights: weights!.id });
  return null;
}

/** The model that a closed round of the task gave; null: there is no such round. */
function modelAfter(state: StateReader, task: Task, round: number): PayloadRef | null {
  return closedRoundCell.get(state, task.id, round)?.weights ?? null;
}

/** Is this the task's publisher, at the task's level? */
export function notAllowed<C>({ sender, level }: CallScope<C>, task: Task): Refusal | null {
  if (!equalBytes(sender, task.publisher))
    return refuse('not-the-publisher', `only the publisher of task ${task.id} evaluates it`);
  if (level !== task.spec.level)
    return refuse('wrong-level', 'the transaction must carry the level of the task');
  return null;
}

function unfit<C>({ state, block }: CallScope<C>, task: Task, spec: EvaluationSpec): Refusal | null {
  const planned = planOf(state, block.chainId, task);
  if (planned === null || planned.plan.heldOut16 === 0)
    return refuse(
      'no-held-out-rows',
      'no device kept rows from training: none was planned before publication',
    );
  if (classCount(task.spec.model) !== 2)
    return refuse('many-classes', 'counts by score are for a model that tells two classes apart');
  if (spec.unit !== task.spec.privacy.unit || spec.unit !== 'record')
    return refuse('wrong-unit', 'one record is one count: the unit of task and evaluation is record');
  if (spec.sigma16 === 0 && !task.spec.publicData)
    return refuse('not-public', 'counts without noise are for data declared public');
  const rho = histogramRho(spec.sigma16) + (evaluationRhoCell.get(state, task.id) ?? 0n);
  if (rho > planned.rhoCap)
    return refuse('overdraws', 'all evaluations of the task together would cost more than its plan says');
  const enrolled = (enrolledCell.get(state, task.id) ?? []).length;
  if (spec.quorum > enrolled)
    return refuse('quorum-unfit', `a quorum of ${spec.quorum} among ${enrolled} devices`);
  return null;
}

/** Is there such a model, and do nodes still have to hold its bytes? */
function lostModel<C>({ state, block }: CallScope<C>, task: Task, spec: EvaluationSpec): Refusal | null {
  const weights = modelAfter(state, task, spec.round);
  if (weights === null)
    return refuse('no-such-round', `round ${spec.round} of task ${task.id} has not closed`);
  const next = closedRoundCell.get(state, task.id, spec.round + 1);
  const isNewest = equalBytes(modelCell.get(state, task.id)!.id, weights.id);
  if (next === null || isNewest || block.height < next.closedHeight + task.spec.auditHeights) return null;
  return refuse('model-gone', 'the audit window of this model is over: nodes need not hold it any more');
}

function crowded(state: StateReader, task: Task): Refusal | null {
  const open = (openEvaluationsCell.get(state) ?? []).length;
  const ofTask = (taskEvaluationsCell.get(state, task.id) ?? []).length;
  if (open < EVALUATIONS_OPEN_MAX && ofTask < EVALUATIONS_PER_TASK_MAX) return null;
  return refuse(
    'too-many-evaluations',
    `at most ${EVALUATIONS_OPEN_MAX} are open at once, and ${EVALUATIONS_PER_TASK_MAX} are of one task`,
  );
}
