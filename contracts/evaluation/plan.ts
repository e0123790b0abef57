import { type CallScope, type Refusal, refuse, type StateReader } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import { rhoCap } from '../../fl/index.js';
import { accountOf } from '../identity/index.js';
import type { Task } from '../tasks/index.js';
import { type PlanArgs, plannedTask } from './calls.js';
import { PLANS_MAX, planCell, plannedCell, type StoredPlan } from './state.js';

/**
 * Takes down how a task will be evaluated. It counts only for a task that is published in a later block, so nobody has
 * enrolled, and nothing was trained, when the held-out share and the test set are fixed.
 */
export function plan<C>(scope: CallScope<C>, args: PlanArgs): Refusal | null {
  const { state, sender, block } = scope;
  const publisher = bytesToHex(sender);
  if (accountOf(state, sender)?.role !== 'publisher')
    return refuse('not-a-publisher', 'only a publisher account plans evaluations');
  const { heldOut16, epsilonMicro, deltaPico, testSet } = args;
  if (heldOut16 === 0 && testSet === null)
    return refuse('empty-plan', 'without held-out rows and a test set there is nothing to plan');
  if ((epsilonMicro === 0) !== (deltaPico === 0))
    return refuse('no-budget', 'ε and δ come together, or not at all');
  if (heldOut16 === 0 && epsilonMicro !== 0)
    return refuse('no-held-out-rows', 'a budget for evaluations needs held-out rows');
  const id = bytesToHex(args.task);
  if (planCell.get(state, publisher, id) !== null)
    return refuse('already-planned', 'a task is planned once; another title makes another task');
  const made = (plannedCell.get(state, publisher) ?? 0) + 1;
  if (made > PLANS_MAX) return refuse('too-many-plans', `a publisher makes at most ${PLANS_MAX} plans`);
  plannedCell.set(state, made, publisher);
  const cap = epsilonMicro === 0 ? 0n : rhoCap(epsilonMicro, deltaPico);
  planCell.set(state, { plan: args, rhoCap: cap, height: block.height }, publisher, id);
  scope.emit('planned', { publisher: sender, task: args.task, heldOut16, testSet });
  return null;
}

/** The plan that a task was published under; null: none. Cost: one hash of its spec. */
export function planOf(state: StateReader, chainId: Uint8Array, task: Task): StoredPlan | null {
  const id = bytesToHex(plannedTask(chainId, task.spec));
  const stored = planCell.get(state, bytesToHex(task.publisher), id);
  return stored !== null && stored.height < task.publishedHeight ? stored : null;
}
