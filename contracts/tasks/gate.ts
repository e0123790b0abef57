import {
  type CallScope,
  type Refusal,
  refuse,
  type StateAccess,
  type StateReader,
} from '../../chain/index.js';
import { bytesToHex, equalBytes } from '../../crypto/index.js';
import { accountOf } from '../identity/index.js';
import { standingOf } from '../reputation/index.js';
import type { Admit, Ask, Refuse } from './gateCalls.js';
import {
  APPLICANTS_MAX,
  type Application,
  admissionCell,
  applicationsCell,
  type ContentTask,
  contentTaskCell,
} from './gateState.js';
import { contentCell, type Task, taskCell } from './state.js';

/** What the gate asks of a task, of either kind. Only a task with sealed content has a gate. */
export interface Gated {
  readonly id: number;
  readonly publisher: Uint8Array;
  readonly level: number;
  /** Has it not ended? */
  readonly isOpen: boolean;
  /** Block time in ms until which providers apply; null: for as long as it is open. */
  readonly applyUntil: number | null;
  /** How many are admitted at most. */
  readonly places: number;
}

/** Null: there is no such task, or nothing in it is sealed. */
export function gatedTask(state: StateReader, id: number): Gated | null {
  const content = contentTaskCell.get(state, id);
  if (content !== null) return gatedContent(content);
  const training = taskCell.get(state, id);
  if (training === null || contentCell.get(state, id) === null) return null;
  return gatedTraining(training);
}

function gatedContent({ id, publisher, level, status, applyUntil, places }: ContentTask): Gated {
  return { id, publisher, level, isOpen: status === 'open', applyUntil, places };
}

function gatedTraining({ id, publisher, spec, status }: Task): Gated {
  const isOpen = status === 'enrolling' || status === 'running';
  return { id, publisher, level: spec.level, isOpen, applyUntil: null, places: APPLICANTS_MAX };
}

export function applicationsOf(state: StateReader, task: number): readonly Application[] {
  return applicationsCell.get(state, task) ?? [];
}

/** A provider of exactly the task's level asks for its content. Nothing is given yet. */
export function ask<C>(scope: CallScope<C>, args: Ask): Refusal | null {
  const { state, sender, block } = scope;
  const account = accountOf(state, sender);
  if (account?.role !== 'provider' && account?.role !== 'device')
    return refuse('not-a-provider', 'only a provider asks for a content');
  const task = gatedTask(state, args.task);
  if (task === null) return refuse('unknown-task', `there is no task ${args.task} with sealed content`);
  if (account.level !== task.level || scope.level !== task.level)
    return refuse('wrong-level', `task ${task.id} is for level ${task.level}`);
  if (!task.isOpen || (task.applyUntil !== null && block.time >= task.applyUntil))
    return refuse('not-open', `task ${task.id} takes no more applications`);
  if (standingOf(state, bytesToHex(sender)).blacklisted)
    return refuse('blacklisted', 'this device was blacklisted');
  const before = applicationsOf(state, task.id);
  if (before.some(({ provider }) => equalBytes(provider, sender)))
    return refuse('already-applied', 'one application a provider and task');
  if (before.some(({ key }) => equalBytes(key, args.key)))
    return refuse('key-taken', 'another applicant named this key: make one for this task alone');
  if (before.length >= APPLICANTS_MAX)
    return refuse('too-many-applicants', `at most ${APPLICANTS_MAX} providers apply for a task`);
  const application = {
    provider: sender,
    key: args.key,
    status: 'waiting',
    reason: null,
    done: false,
  } as const;
  applicationsCell.set(state, [...before, application], task.id);
  scope.emit('asked', { task: task.id, provider: sender });
  return null;
}

/** The publisher lets an applicant in: the task key, wrapped to the key that it applied with. */
export function admit<C>(scope: CallScope<C>, { task: id, provider, enc, wrapped }: Admit): Refusal | null {
  const { state } = scope;
  const found = waitingApplication(scope, id, provider);
  if ('code' in found) return found;
  const { task, application } = found;
  const account = accountOf(state, provider);
  if (account?.level !== task.level || account.status !== 'active')
    return refuse('unfit-now', `this provider is no longer an active one of level ${task.level}`);
  const admitted = applicationsOf(state, id).filter(({ status }) => status === 'admitted').length;
  if (admitted >= task.places) return refuse('task-full', `task ${id} has all its ${task.places} providers`);
  setApplication(state, id, { ...application, status: 'admitted' });
  admissionCell.set(state, { reader: application.key, enc, wrapped }, id, bytesToHex(provider));
  scope.emit('admitted', { task: id, provider });
  return null;
}

export function refuseApplicant<C>(
  scope: CallScope<C>,
  { task: id, provider, reason }: Refuse,
): Refusal | null {
  const found = waitingApplication(scope, id, provider);
  if ('code' in found) return found;
  setApplication(scope.state, id, { ...found.application, status: 'refused', reason });
  scope.emit('refused', { task: id, provider, reason });
  return null;
}

/** The task, if the sender published it, it is open, and it sends at its level. */
export function ownGated<C>({ state, sender, level }: CallScope<C>, id: number): Gated | Refusal {
  const task = gatedTask(state, id);
  if (task === null) return refuse('unknown-task', `there is no task ${id} with sealed content`);
  if (!equalBytes(task.publisher, sender))
    return refuse('not-the-publisher', `another account published task ${id}`);
  if (level !== task.level) return refuse('wrong-level', 'the transaction must carry the level of the task');
  return task.isOpen ? task : refuse('not-open', `task ${id} has ended`);
}

export function setApplication(state: StateAccess, task: number, changed: Application): void {
  const next = applicationsOf(state, task).map((one) =>
    equalBytes(one.provider, changed.provider) ? changed : one,
  );
  applicationsCell.set(state, next, task);
}

function waitingApplication<C>(
  scope: CallScope<C>,
  id: number,
  provider: Uint8Array,
): { readonly task: Gated; readonly application: Application } | Refusal {
  const task = ownGated(scope, id);
  if ('code' in task) return task;
  const application = applicationsOf(scope.state, id).find((one) => equalBytes(one.provider, provider));
  if (application === undefined)
    return refuse('no-such-application', 'this provider has not applied for the task');
  if (application.status !== 'waiting')
    return refuse('already-decided', `this provider is ${application.status} already`);
  return { task, application };
}
