import type { Scope, StateReader } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { standingOf } from '../reputation/index.js';
import { enrolledCell } from '../tasks/index.js';
import { answeredCell, type Evaluation, evaluationCell, openEvaluationsCell, sumCell } from './state.js';

/** Closes the evaluations that everybody has answered, or whose deadline is over: below the quorum as failed. */
export function beginBlock<C>({ state, block, emit }: Scope<C>): void {
  const due = dueEvaluations(state, block.parent.height, block.parent.time);
  if (due.length === 0) return;
  for (const evaluation of due) {
    const { id, spec, answers } = evaluation;
    const status = answers >= spec.quorum ? 'closed' : 'failed';
    evaluationCell.set(state, { ...evaluation, status, closedHeight: block.height }, id);
    if (status === 'failed') sumCell.remove(state, id);
    emit(status, { evaluation: id, task: spec.task, answers });
  }
  const left = (openEvaluationsCell.get(state) ?? []).filter((id) => due.every((gone) => gone.id !== id));
  openEvaluationsCell.set(state, left);
}

/** Does the next block begin with the end of an evaluation? */
export function isEvaluationDue(state: StateReader, parentHeight: number, parentTime: number): boolean {
  return dueEvaluations(state, parentHeight, parentTime).length > 0;
}

/** The earliest deadline of an open evaluation, or null. */
export function nextEvaluationDeadline(state: StateReader): number | null {
  const times = openEvaluations(state).map(({ openedTime, spec }) => openedTime + spec.deadlineMs);
  return times.length === 0 ? null : Math.min(...times);
}

export function openEvaluations(state: StateReader): readonly Evaluation[] {
  return (openEvaluationsCell.get(state) ?? []).map((id) => evaluationCell.get(state, id)!);
}

function dueEvaluations(state: StateReader, parentHeight: number, parentTime: number): readonly Evaluation[] {
  return openEvaluations(state).filter((evaluation) => {
    const { spec, openedTime, openedHeight, answers } = evaluation;
    const late =
      parentTime >= openedTime + spec.deadlineMs && parentHeight - openedHeight >= spec.deadlineBlocks;
    return late || (answers >= spec.quorum && isAnsweredByAll(state, evaluation));
  });
}

/** Blacklisted devices aren't waited for. */
function isAnsweredByAll(state: StateReader, { id, spec }: Evaluation): boolean {
  return enrolledCell.get(state, spec.task)!.every(({ device }) => {
    const key = bytesToHex(device);
    return answeredCell.get(state, id, key) !== null || standingOf(state, key).blacklisted;
  });
}
