import type { StateReader } from '../chain/index.js';
import { isEvaluationDue, nextEvaluationDeadline } from './evaluation/index.js';
import { isTrainingDue, nextTrainingDeadline } from './training/index.js';

/** Does the next block begin with work of its own? Pure: every node finds the same from the parent's state. */
export function isWorkDue(state: StateReader, parentHeight: number, parentTime: number): boolean {
  return isTrainingDue(state, parentHeight, parentTime) || isEvaluationDue(state, parentHeight, parentTime);
}

/** The time from which the chain has something to do without a transaction, or null: the earliest deadline. */
export function nextDeadline(state: StateReader): number | null {
  const times = [nextTrainingDeadline(state), nextEvaluationDeadline(state)].filter((time) => time !== null);
  return times.length === 0 ? null : Math.min(...times);
}
