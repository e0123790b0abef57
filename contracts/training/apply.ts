import { type CallScope, type Refusal, refuse, type Scope } from '../../chain/index.js';
import { bytesToHex, compareBytes, hexToBytes } from '../../crypto/index.js';
import {
  encodeWeights,
  initialWeights,
  normCapSquared,
  type RoundOutcome,
  releasesOf,
  roundRho,
  squaredNorm,
  unpackUpdate,
  verificationRules,
} from '../../fl/index.js';
import { charge } from '../privacy/index.js';
import { scoreDevice, standingOf } from '../reputation/index.js';
import { endTask, enrolledCell, openTasks, type Task, taskCell } from '../tasks/index.js';
import type { UpdateArgs } from './calls.js';
import { type DueClosing, dueClosings, gridOf } from './closing.js';
import { closedRoundCell, modelCell, type Round, roundCell, submittedCell } from './state.js';

/**
 * Takes an update into the open round, and charges the ledger for every one that the chain publishes.
 *
 * A late one (its round has closed, or the task is done) is charged too and counts nowhere: what was published
 * can't be unpublished.
 */
export function submitUpdate(scope: CallScope<RoundOutcome>, args: UpdateArgs): Refusal | null {
  const { state, sender, payloads } = scope;
  const device = bytesToHex(sender);
  const task = taskCell.get(state, args.task);
  if (task === null) return refuse('unknown-task', `there is no task ${args.task}`);
  if (scope.level !== task.spec.level)
    return refuse('wrong-level', 'the transaction must carry the level of the task');
  const enrolled = enrolledCell
    .get(state, task.id)!
    .find((entry) => compareBytes(entry.device, sender) === 0);
  if (enrolled === undefined)
    return refuse('not-enrolled', `this device is not enrolled for task ${task.id}`);
  if (standingOf(state, device).blacklisted) return refuse('blacklisted', 'this device was blacklisted');
  const round = roundCell.get(state, task.id);
  if (round === null && task.status !== 'done')
    return refuse('no-round', `task ${task.id} has no open round`);
  const last = round?.round ?? task.spec.rounds;
  if (args.round > last) return refuse('wrong-round', `the last round that was opened is ${last}`);
  if (args.round <= (submittedCell.get(state, task.id, device) ?? 0)) {
    return refuse('already-submitted', 'one update a device and round');
  }
  if (payloads.length !== 1) return refuse('one-payload', 'an update is exactly one payload');
  const unfit = checkUpdate(task, enrolled.units, payloads[0]!.bytes);
  if (unfit !== null) return unfit;
  const { sigma16 } = task.spec.privacy;
  const overdrawn =
    sigma16 === 0
      ? null
      : charge(
          state,
          device,
          bytesToHex(enrolled.dataset),
          roundRho(sigma16) * BigInt(releasesOf(task.spec.local)),
        );
  if (overdrawn !== null) return overdrawn;
  submittedCell.set(state, args.round, task.id, device);
  const counts = round !== null && args.round === round.round;
  if (counts) {
    const entry = {
      device: sender,
      units: enrolled.units,
      payload: payloads[0]!.ref,
      height: scope.block.height,
    };
    const updates = [...round.updates, entry].sort((a, b) => compareBytes(a.device, b.device));
    roundCell.set(state, { ...round, updates }, task.id);
  }
  scope.emit(counts ? 'update' : 'late', {
    task: task.id,
    round: args.round,
    device: sender,
    payload: payloads[0]!.ref.id,
  });
  return null;
}

/** Is this a point of the round's wire lattice, and not longer than any honest update could be? */
export function checkUpdate(task: Task, units: number, packed: Uint8Array): Refusal | null {
  const grid = gridOf(task);
  const unpacked = unpackUpdate(packed, grid.dimension);
  if (!unpacked.ok) return refuse('malformed-update', `the update does not unpack: ${unpacked.reason}`);
  if (squaredNorm(unpacked.wire) > normCapSquared(grid, units)) {
    return refuse('over-norm-cap', 'no honest update of this device can be this long');
  }
  return null;
}

/**
 * Closes what is due, then opens a first round: of one task a block, since the initial weights of a large model
 * take seconds, which every node spends before it can vote.
 */
export function beginBlock(scope: Scope<RoundOutcome>): void {
  const { parent } = scope.block;
  for (const due of dueClosings(scope.state, parent.height, parent.time)) {
    if (due.quorate) closeQuorate(scope, due);
    else closeFailed(scope, due);
  }
  const begun = openTasks(scope.state).find(
    ({ id, status }) => status === 'running' && roundCell.get(scope.state, id) === null,
  );
  if (begun !== undefined) openFirstRound(scope, begun);
}

function openFirstRound(scope: Scope<RoundOutcome>, task: Task): void {
  const weights = scope.emitPayload(encodeWeights(initialWeights(task.spec.model, task.spec.weightsSeed)));
  const { height, time } = scope.block;
  modelCell.set(scope.state, weights, task.id);
  roundCell.set(
    scope.state,
    {
      round: 1,
      openedHeight: height,
      openedTime: time,
      weights,
      accumulator: null,
      optimizer: null,
      updates: [],
    },
    task.id,
  );
}

function closeQuorate(scope: Scope<RoundOutcome>, due: DueClosing): void {
  const { task, round } = due;
  const outcome = scope.block.closings.get(due.id);
  if (outcome === undefined) throw new Error(`bug: no outcome was given for the due closing ${due.id}`);
  const rule = verificationRules[task.spec.verification.rule];
  const { reputation } = task.spec.verification;
  const verdicts = outcome.verdicts.map(({ device, qualified, reason, score16 }) => {
    const costs = reputation === 'paper' || (reputation === 'absolute' && rule.absolute);
    const { points, blacklisted } =
      reputation === 'none'
        ? standingOf(scope.state, device)
        : scoreDevice(scope.state, device, { qualified, costs });
    return { device: hexToBytes(device), qualified, reason, score16, points, blacklisted };
  });
  const weights = scope.emitPayload(outcome.weights);
  const accumulator = outcome.accumulator === null ? null : scope.emitPayload(outcome.accumulator);
  const optimizer = outcome.optimizer === null ? null : scope.emitPayload(outcome.optimizer);
  modelCell.set(scope.state, weights, task.id);
  record(scope, task, round, { status: 'closed', verdicts, weights });
  const qualified = verdicts.filter((verdict) => verdict.qualified).length;
  const refused = verdicts.length - qualified;
  scope.emit('closed', { task: task.id, round: round.round, weights: weights.id, qualified, refused });
  advance(scope, task, { ...round, weights, accumulator, optimizer });
}

function closeFailed(scope: Scope<RoundOutcome>, { task, round }: DueClosing): void {
  record(scope, task, round, { status: 'failed', verdicts: [], weights: round.weights });
  scope.emit('round-failed', { task: task.id, round: round.round, updates: round.updates.length });
  advance(scope, task, round);
}

function record(
  scope: Scope<RoundOutcome>,
  task: Task,
  round: Round,
  end: Pick<NonNullable<ReturnType<typeof closedRoundCell.get>>, 'status' | 'verdicts' | 'weights'>,
): void {
  const closed = {
    round: round.round,
    openedHeight: round.openedHeight,
    closedHeight: scope.block.height,
    ...end,
  };
  closedRoundCell.set(scope.state, closed, task.id, round.round);
}

/** The next round from where this one ended, or the end of the task. A failed round counts as one. */
function advance(scope: Scope<RoundOutcome>, task: Task, ended: Round): void {
  if (ended.round >= task.spec.rounds) {
    roundCell.remove(scope.state, task.id);
    endTask(scope, task, 'done');
    return;
  }
  const { height, time } = scope.block;
  roundCell.set(
    scope.state,
    { ...ended, round: ended.round + 1, openedHeight: height, openedTime: time, updates: [] },
    task.id,
  );
}
