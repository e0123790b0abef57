import { type CallScope, type Refusal, refuse } from '../../chain/index.js';
import { taskCell } from '../tasks/index.js';
import { modelCell } from '../training/index.js';
import type { ClaimArgs } from './calls.js';
import { notAllowed } from './open.js';
import { planOf } from './plan.js';
import { claimCell } from './state.js';

/**
 * Keeps what a publisher says of its finished model on the test set that it committed to. Once: who could claim again
 * would keep the luckiest. Nothing else reads it, no reward rests on it; whoever gets salt and file checks it.
 */
export function claim<C>(scope: CallScope<C>, args: ClaimArgs): Refusal | null {
  const { state, block } = scope;
  const task = taskCell.get(state, args.task);
  if (task === null) return refuse('unknown-task', `there is no task ${args.task}`);
  const refused = notAllowed(scope, task);
  if (refused !== null) return refused;
  if (task.status !== 'done')
    return refuse('not-done', `task ${task.id} is ${task.status}: a claim is made of its last model`);
  if (planOf(state, block.chainId, task)?.plan.testSet == null)
    return refuse('nothing-committed', 'no test set was committed to before the task was published');
  if (claimCell.get(state, task.id) !== null)
    return refuse('already-claimed', 'a claim is made once and stays');
  if (args.positives > args.rows) return refuse('claim-unfit', 'more positives than rows');
  const model = modelCell.get(state, task.id)!.id;
  claimCell.set(state, { claim: args, model, height: block.height }, task.id);
  scope.emit('claimed', { task: task.id, model, rows: args.rows });
  return null;
}
