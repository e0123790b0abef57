import {
  type CallScope,
  type Refusal,
  refuse,
  type Scope,
  type StateAccess,
  type StateReader,
} from '../../chain/index.js';
import { bytesToHex, compareBytes, equalBytes } from '../../crypto/index.js';
import { schemaHash } from '../../fl/index.js';
import { accountOf, validatorOf } from '../identity/index.js';
import { ledgerCell } from '../privacy/index.js';
import { standingOf } from '../reputation/index.js';
import { escrow, payByPoints } from '../rewards/index.js';
import { type Apply, type TaskSpec, verifyEnrolment } from './calls.js';
import { CONTENT_BUCKETS, decodeContent, isPadded } from './content.js';
import { checkEnrolment, checkTask } from './fits.js';
import {
  contentCell,
  enrolledCell,
  openTasksCell,
  TASKS_OPEN_MAX,
  type Task,
  taskCell,
  taskCountCell,
} from './state.js';

export function publish<C>(scope: CallScope<C>, { spec }: { readonly spec: TaskSpec }): Refusal | null {
  const { state, block } = scope;
  if (accountOf(state, scope.sender)?.role !== 'publisher') {
    return refuse('not-a-publisher', 'only a publisher account publishes tasks');
  }
  if (scope.level !== spec.level)
    return refuse('wrong-level', 'the transaction must carry the level of the task');
  const open = openTasksCell.get(state) ?? [];
  if (open.length >= TASKS_OPEN_MAX)
    return refuse('too-many-tasks', `at most ${TASKS_OPEN_MAX} tasks are open at once`);
  scope.spend('accountant');
  const unfit = checkTask(spec);
  if (unfit !== null) return unfit;
  const id = (taskCountCell.get(state) ?? 0) + 1;
  const poor = escrow(state, id, scope.sender, spec.reward);
  if (poor !== null) return poor;
  taskCountCell.set(state, id);
  openTasksCell.set(state, [...open, id]);
  enrolledCell.set(state, [], id);
  taskCell.set(
    state,
    {
      id,
      publisher: scope.sender,
      spec,
      status: 'enrolling',
      publishedHeight: block.height,
      enrolUntil: block.time + spec.enrolMs,
    },
    id,
  );
  scope.emit('published', { task: id, publisher: scope.sender, level: spec.level, title: spec.title });
  return null;
}

/** As `publish`, with a sealed content that is kept beside the task. Nothing of it may stand in clear as well. */
export function publishSealed<C>(
  scope: CallScope<C>,
  { spec, content }: { readonly spec: TaskSpec; readonly content: Uint8Array },
): Refusal | null {
  const unfit = contentFault(scope.block.chainId, content);
  if (unfit !== null) return unfit;
  if (spec.title !== '')
    return refuse('title-in-clear', 'a task with sealed content has an empty title: the content has its own');
  const refusal = publish(scope, { spec });
  if (refusal !== null) return refusal;
  contentCell.set(scope.state, content, taskCountCell.get(scope.state)!);
  return null;
}

/** May the chain keep these bytes as sealed content? */
export function contentFault(chainId: Uint8Array, content: Uint8Array): Refusal | null {
  const sealed = decodeContent(content);
  if (sealed === null || !equalBytes(sealed.chainId, chainId))
    return refuse('malformed-content', 'the content is not sealed as this chain keeps it');
  if (!isPadded(sealed))
    return refuse(
      'not-padded',
      `a content is padded to ${CONTENT_BUCKETS.join(', ')} bytes before it is sealed`,
    );
  if (sealed.wraps.length === 0) return refuse('no-reader', 'a content that nobody can open says nothing');
  return null;
}

/**
 * The publisher takes a training task back. Before a round is open it ends at once; else `training` ends it, when a
 * round that holds updates has closed: their devices have spent privacy on it, and are paid for it.
 */
export function withdrawTraining<C>(scope: CallScope<C>, task: Task): Refusal | null {
  switch (task.status) {
    case 'enrolling':
      endTask(scope, task, 'withdrawn');
      return null;
    case 'running':
      taskCell.set(scope.state, { ...task, status: 'ending' }, task.id);
      scope.emit('ending', { task: task.id });
      return null;
    default:
      return refuse('not-open', `task ${task.id} is ${task.status}`);
  }
}

/** An equal level admits; the device's own validator has to vouch for its terms. */
export function applyForTask<C>(scope: CallScope<C>, args: Apply): Refusal | null {
  const { state, sender } = scope;
  const device = bytesToHex(sender);
  const account = accountOf(state, sender);
  if (account?.role !== 'device') return refuse('not-a-device', 'only a device applies for tasks');
  const task = taskCell.get(state, args.task);
  if (task === null) return refuse('unknown-task', `there is no task ${args.task}`);
  if (account.level !== task.spec.level || scope.level !== task.spec.level) {
    return refuse('wrong-level', `task ${args.task} is for level ${task.spec.level}`);
  }
  if (task.status !== 'enrolling') return refuse('not-enrolling', `task ${args.task} is ${task.status}`);
  if (standingOf(state, device).blacklisted) return refuse('blacklisted', 'this device was blacklisted');
  const enrolled = enrolledCell.get(state, task.id) ?? [];
  if (enrolled.length >= task.spec.devicesMax) return refuse('task-full', 'the task has all its devices');
  if (enrolled.some((other) => equalBytes(other.device, sender))) {
    return refuse('already-enrolled', 'this device is enrolled');
  }
  if (!equalBytes(args.schemaHash, schemaHash(task.spec.schema))) {
    return refuse('wrong-schema', 'the schema that the device read its data by is not the one of the task');
  }
  const validator = validatorOf(state, account.hospital);
  const terms = { ...args, device: sender };
  scope.spend('signature');
  if (validator === null || !verifyEnrolment(scope.block.chainId, terms, validator, args.approval)) {
    return refuse('not-approved', `the validator of ${account.hospital} did not sign these terms`);
  }
  const ledger = ledgerCell.get(state, device, bytesToHex(args.dataset));
  const unfit = checkEnrolment(task.spec, args.units, ledger);
  if (unfit !== null) return unfit;
  const entry = { device: sender, units: args.units, dataset: args.dataset };
  const next = [...enrolled, entry].sort((a, b) => compareBytes(a.device, b.device));
  enrolledCell.set(state, next, task.id);
  scope.emit('enrolled', { task: task.id, device: sender, units: args.units });
  return null;
}

/** Enrolment ends with the last free place or in time: below the quorum the task fails. */
export function endEnrolments<C>(scope: Scope<C>): void {
  for (const task of openTasks(scope.state)) {
    if (!enrolmentEnds(scope.state, task, scope.block.parent.time)) continue;
    const devices = (enrolledCell.get(scope.state, task.id) ?? []).length;
    if (devices < task.spec.quorum) endTask(scope, task, 'failed');
    else {
      taskCell.set(scope.state, { ...task, status: 'running' }, task.id);
      scope.emit('started', { task: task.id, devices });
    }
  }
}

export function openTasks(state: StateReader): readonly Task[] {
  return (openTasksCell.get(state) ?? []).map((id) => taskCell.get(state, id)!);
}

/** Is a block wanted, so that the enrolment of this task can end? */
export function enrolmentEnds(state: StateReader, task: Task, time: number): boolean {
  if (task.status !== 'enrolling') return false;
  return (enrolledCell.get(state, task.id) ?? []).length >= task.spec.devicesMax || time >= task.enrolUntil;
}

/** Ends a task: its reward is paid, as far as rounds closed with a verdict. */
export function endTask<C>(scope: Scope<C>, task: Task, status: 'done' | 'failed' | 'withdrawn'): void {
  const { id, publisher, spec } = task;
  taskCell.set(scope.state, { ...task, status }, id);
  removeOpen(scope.state, id);
  scope.emit(status, { task: id });
  payByPoints(scope, id, publisher, spec.rounds);
}

function removeOpen(state: StateAccess, id: number): void {
  openTasksCell.set(
    state,
    (openTasksCell.get(state) ?? []).filter((open) => open !== id),
  );
}
