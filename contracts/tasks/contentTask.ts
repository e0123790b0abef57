import { type CallScope, type Refusal, refuse, type Scope, type StateReader } from '../../chain/index.js';
import { compareBytes, equalBytes } from '../../crypto/index.js';
import { accountOf, creditCompletion } from '../identity/index.js';
import { escrow, payEach } from '../rewards/index.js';
import { contentFault, withdrawTraining } from './apply.js';
import { applicationsOf, setApplication } from './gate.js';
import type { Complete, PublishContent, Withdraw } from './gateCalls.js';
import { CONTENT_TASKS_EACH_MAX, type ContentTask, contentTaskCell } from './gateState.js';
import type { OpenContents } from './openContents.js';
import { contentCell, taskCell, taskCountCell } from './state.js';

/** A task that is its sealed content: the chain learns its level, its size and its times. */
export function publishContent<C>(
  open: OpenContents,
  scope: CallScope<C>,
  args: PublishContent,
): Refusal | null {
  const { state, block, sender } = scope;
  const { content, applyMs, workMs, ...terms } = args;
  if (accountOf(state, sender)?.role !== 'publisher')
    return refuse('not-a-publisher', 'only a publisher account publishes tasks');
  if (scope.level !== terms.level)
    return refuse('wrong-level', 'the transaction must carry the level of the task');
  const unfit = contentFault(block.chainId, content) ?? crowded(open, state, sender);
  if (unfit !== null) return unfit;
  const id = (taskCountCell.get(state) ?? 0) + 1;
  const poor = escrow(state, id, sender, terms.reward);
  if (poor !== null) return poor;
  taskCountCell.set(state, id);
  const applyUntil = block.time + applyMs;
  const endsAt = applyUntil + workMs;
  open.add(state, { id, publisher: sender, endsAt });
  contentCell.set(state, content, id);
  const height = { publishedHeight: block.height, applyUntil, endsAt };
  contentTaskCell.set(state, { id, publisher: sender, ...terms, status: 'open', ...height }, id);
  scope.emit('published', { task: id, publisher: sender, level: terms.level });
  return null;
}

/** Takes a task of either kind back. What is done or under way is paid all the same. */
export function withdraw<C>(open: OpenContents, scope: CallScope<C>, { task: id }: Withdraw): Refusal | null {
  const { state, sender, level } = scope;
  const content = contentTaskCell.get(state, id);
  const training = taskCell.get(state, id);
  const task = content ?? training;
  if (task === null) return refuse('unknown-task', `there is no task ${id}`);
  if (!equalBytes(task.publisher, sender))
    return refuse('not-the-publisher', `another account published task ${id}`);
  if (level !== (content?.level ?? training!.spec.level))
    return refuse('wrong-level', 'the transaction must carry the level of the task');
  if (content === null) return withdrawTraining(scope, training!);
  if (content.status !== 'open') return refuse('not-open', `task ${id} is ${content.status}`);
  end(open, scope, content, 'withdrawn');
  return null;
}

/**
 * The publisher says who did the work, and the task is done. Or an admitted provider says so of itself, where the task
 * lets it; with the last place the task is done.
 */
export function complete<C>(
  open: OpenContents,
  scope: CallScope<C>,
  { task: id, providers }: Complete,
): Refusal | null {
  const { state, sender, level } = scope;
  const task = contentTaskCell.get(state, id);
  if (task === null) return refuse('unknown-task', `there is no content task ${id}`);
  if (level !== task.level) return refuse('wrong-level', 'the transaction must carry the level of the task');
  if (task.status !== 'open') return refuse('not-open', `task ${id} is ${task.status}`);
  if (equalBytes(task.publisher, sender)) return completeAll(open, scope, task, providers);
  if (task.completion !== 'providers' || providers.length > 0)
    return refuse('not-the-publisher', 'the publisher of this task says who has done it');
  const refusal = markDone(scope, task, sender);
  if (refusal !== null) return refusal;
  if (doneOf(state, id).length >= task.places) end(open, scope, task, 'done');
  return null;
}

/** Start of a block: content tasks whose time is over end, as many as a block may end. */
export function expireContent<C>(open: OpenContents, scope: Scope<C>): void {
  const { state, block } = scope;
  for (const id of open.takeOver(state, block.parent.time))
    settle(scope, contentTaskCell.get(state, id)!, 'expired');
}

function crowded(open: OpenContents, state: StateReader, publisher: Uint8Array): Refusal | null {
  const { all, own } = open.count(state, publisher);
  if (all < open.max && own < CONTENT_TASKS_EACH_MAX) return null;
  return refuse(
    'too-many-tasks',
    `at most ${CONTENT_TASKS_EACH_MAX} content tasks of a publisher are open, and ${open.max} of all`,
  );
}

function completeAll<C>(
  open: OpenContents,
  scope: CallScope<C>,
  task: ContentTask,
  providers: readonly Uint8Array[],
): Refusal | null {
  for (const provider of providers) {
    const refusal = markDone(scope, task, provider);
    if (refusal !== null) return refusal;
  }
  end(open, scope, task, 'done');
  return null;
}

function markDone<C>({ state }: CallScope<C>, { id }: ContentTask, provider: Uint8Array): Refusal | null {
  const application = applicationsOf(state, id).find((one) => equalBytes(one.provider, provider));
  if (application?.status !== 'admitted')
    return refuse('not-admitted', 'only an admitted provider can have done the work');
  if (application.done) return refuse('already-done', 'this provider has done its part already');
  setApplication(state, id, { ...application, done: true });
  return null;
}

function doneOf(state: StateReader, id: number): readonly Uint8Array[] {
  return applicationsOf(state, id)
    .filter(({ done }) => done)
    .map(({ provider }) => provider);
}

type Ending = 'done' | 'withdrawn' | 'expired';

function end<C>(open: OpenContents, scope: Scope<C>, task: ContentTask, status: Ending): void {
  open.remove(scope.state, task);
  settle(scope, task, status);
}

/** How a task ended, and what that pays. */
function settle<C>(scope: Scope<C>, task: ContentTask, status: Ending): void {
  const { state } = scope;
  const { id, publisher, places } = task;
  contentTaskCell.set(state, { ...task, status }, id);
  const done = [...doneOf(state, id)].sort(compareBytes);
  scope.emit(status, { task: id, providers: done.length });
  payEach(scope, id, publisher, places, done);
  if (status === 'done') for (const provider of done) creditCompletion(scope, provider, task.level);
}
