import { type CallScope, type Refusal, refuse } from '../../chain/index.js';
import { bytesToHex, equalBytes } from '../../crypto/index.js';
import { decide, idOf, openReport } from '../identity/index.js';
import { admissionCell, contentTaskCell, enrolledCell, taskCell } from '../tasks/index.js';
import type { ReportArgs, SetArgs } from './calls.js';
import { reportedCell } from './state.js';

/** A hospital sets levels of its own accounts; of others they take more than two thirds of the validators. */
export function set<C>(scope: CallScope<C>, { entries }: SetArgs): Refusal | null {
  const named = entries.map(({ account, level }) => ({ account: idOf(scope.state, account), level }));
  return decide(scope, { kind: 'levels', entries: named });
}

/** Opens the vote on a leak. Only who was let in can have let it out, and each is reported once a task. */
export function report<C>(scope: CallScope<C>, { task: id, account, evidence }: ReportArgs): Refusal | null {
  const { state, sender } = scope;
  const task = taskCell.get(state, id) ?? contentTaskCell.get(state, id);
  if (task === null) return refuse('unknown-task', `there is no task ${id}`);
  if (!equalBytes(task.publisher, sender)) {
    return refuse('not-the-publisher', `only the publisher of task ${id} reports that it leaked`);
  }
  const accused = idOf(state, account);
  const isEnrolled = (enrolledCell.get(state, id) ?? []).some(({ device }) => equalBytes(device, accused));
  if (!isEnrolled && admissionCell.get(state, id, bytesToHex(accused)) === null) {
    return refuse('had-no-access', `this account was not admitted to task ${id}`);
  }
  if (reportedCell.get(state, id, bytesToHex(accused)) !== null) {
    return refuse('already-reported', 'an account is reported once a task');
  }
  const refused = openReport(scope, { kind: 'leak', account: accused, task: id, evidence });
  if (refused !== null) return refused;
  reportedCell.set(state, true, id, bytesToHex(accused));
  scope.emit('reported', { task: id, account: accused, evidence });
  return null;
}
