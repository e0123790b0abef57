import { strict as assert } from 'node:assert';
import {
  type CallScope,
  type HeldPayload,
  isMarked,
  type PayloadRef,
  type Refusal,
  refuse,
  type Scope,
  type StateReader,
} from '../../chain/index.js';
import { bytesToHex, compareBytes, hexToBytes } from '../../crypto/index.js';
import {
  countCap,
  encodeWeights,
  energyFloorSquared,
  initialWeights,
  leavesOutStep,
  ledgerCost,
  normCapSquared,
  type RoundOutcome,
  startClipping,
  verificationRules,
} from '../../fl/index.js';
import { creditCompletion } from '../identity/index.js';
import { charge, ledgerCell } from '../privacy/index.js';
import { scoreDevice, standingOf } from '../reputation/index.js';
import { noteRound, POINTS } from '../rewards/index.js';
import { type Enrolled, endTask, enrolledCell, openTasks, type Task, taskCell } from '../tasks/index.js';
import type { UpdateArgs } from './calls.js';
import { canEnd, type DueClosing, dueClosings, gridAt, gridOf } from './closing.js';
import { completedBy } from './completion.js';
import { measureUpdate } from './measure.js';
import { closedEventFields } from './outcome.js';
import { closedRoundCell, modelCell, publishedCell, type Round, roundCell, submittedCell } from './state.js';

/**
 * Takes an update into the open round, and charges the ledger for every one that the chain publishes.
 *
 * Whatever an enrolled device sends is charged, also what is refused, late, or no update at all: it is in a block, and
 * what was published can't be unpublished. Only the same bytes as the last ones, sent again, say nothing new.
 */
export function submitUpdate(scope: CallScope<RoundOutcome>, args: UpdateArgs): Refusal | null {
  const { state, sender, payloads } = scope;
  const task = taskCell.get(state, args.task);
  if (task === null) return refuse('unknown-task', `there is no task ${args.task}`);
  const enrolled = enrolledCell
    .get(state, task.id)!
    .find((entry) => compareBytes(entry.device, sender) === 0);
  if (enrolled === undefined)
    return refuse('not-enrolled', `this device is not enrolled for task ${task.id}`);
  // First of all: what comes after it may be refused for any reason, and this stays.
  const overdrawn = chargePublished(scope, task, enrolled);
  const round = roundCell.get(state, task.id);
  const refused = refusalOf(scope, args, task, enrolled, round);
  if (refused !== null || overdrawn !== null) return refused ?? overdrawn;
  submittedCell.set(state, args.round, task.id, bytesToHex(sender));
  const { ref } = payloads[0]!;
  const counts = round !== null && args.round === round.round;
  if (counts) {
    const { units } = enrolled;
    const entry = { device: sender, units, payload: ref, height: scope.block.height };
    const updates = [...round.updates, entry].sort((a, b) => compareBytes(a.device, b.device));
    roundCell.set(state, { ...round, updates }, task.id);
  }
  const named = { task: task.id, round: args.round, device: sender, payload: ref.id };
  scope.emit(counts ? 'update' : 'late', named);
  return null;
}

function refusalOf(
  { state, sender, level, payloads }: CallScope<RoundOutcome>,
  args: UpdateArgs,
  task: Task,
  enrolled: Enrolled,
  round: Round | null,
): Refusal | null {
  const device = bytesToHex(sender);
  if (level !== task.spec.level)
    return refuse('wrong-level', 'the transaction must carry the level of the task');
  if (standingOf(state, device).blacklisted) return refuse('blacklisted', 'this device was blacklisted');
  if (round === null && task.status !== 'done')
    return refuse('no-round', `task ${task.id} has no open round`);
  const last = round?.round ?? task.spec.rounds;
  if (args.round > last) return refuse('wrong-round', `the last round that was opened is ${last}`);
  if (args.round <= (submittedCell.get(state, task.id, device) ?? 0)) {
    return refuse('already-submitted', 'one update a device and round');
  }
  if (payloads.length !== 1) return refuse('one-payload', 'an update is exactly one payload');
  return unfitness(state, task, args.round, enrolled.units, payloads[0]!.bytes);
}

/** ρ of one update as the ledger of its dataset counts it: enrolment saw that it can. */
export function costIn(state: StateReader, device: string, dataset: string, { spec }: Task): bigint {
  const ledger = ledgerCell.get(state, device, dataset);
  const cost = ledger === null ? null : ledgerCost(ledger, spec);
  assert.ok(cost !== null, 'an enrolled dataset has a ledger that counts the task');
  return cost;
}

/** Charges each payload of the transaction that isn't the last one of this device again. */
function chargePublished(
  { kept, sender, payloads }: CallScope<RoundOutcome>,
  task: Task,
  { dataset }: Enrolled,
): Refusal | null {
  if (task.spec.privacy.sigma16 === 0) return null;
  const device = bytesToHex(sender);
  const rho = costIn(kept, device, bytesToHex(dataset), task);
  let refused: Refusal | null = null;
  for (const { ref } of payloads) {
    const last = publishedCell.get(kept, task.id, device);
    if (last !== null && compareBytes(last, ref.id) === 0) continue;
    publishedCell.set(kept, ref.id, task.id, device);
    refused = charge(kept, device, bytesToHex(dataset), rho) ?? refused;
  }
  return refused;
}

function unfitness(
  state: StateReader,
  task: Task,
  round: number,
  units: number,
  held: HeldPayload,
): Refusal | null {
  return isMarked(held) ? held.refusal : checkUpdate(state, task, round, units, held);
}

/**
 * Is this a point of the round's wire lattice, neither longer than any honest update could be nor shorter than its noise?
 * Of a round that the state doesn't know yet, a node can tell the former by the task's largest threshold alone.
 */
export function checkUpdate(
  state: StateReader,
  task: Task,
  round: number,
  units: number,
  packed: Uint8Array,
): Refusal | null {
  const known = gridAt(state, task, round);
  const grid = known ?? gridOf(task);
  const measure = measureUpdate(packed, grid);
  if (!measure.ok) return refuse('malformed-update', `the update does not unpack: ${measure.reason}`);
  if (measure.squaredNorm > normCapSquared(grid, units)) {
    return refuse('over-norm-cap', 'no honest update of this device can be this long');
  }
  if (known !== null && measure.squaredNorm < energyFloorSquared(grid))
    return refuse('too-little-energy', 'an update with the declared noise in it is not this short');
  const { signedCount } = measure;
  if (signedCount !== null && Math.abs(signedCount) > countCap(grid, units))
    return refuse('over-norm-cap', 'no honest count of this device can be this large');
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
  for (const task of openTasks(scope.state)) if (canEnd(scope.state, task)) endWithdrawn(scope, task);
  const begun = openTasks(scope.state).find(
    ({ id, status }) => status === 'running' && roundCell.get(scope.state, id) === null,
  );
  if (begun !== undefined) openFirstRound(scope, begun);
}

/** A withdrawn task without updates in its open round, or without one: no verdict is owed to anybody. */
function endWithdrawn(scope: Scope<RoundOutcome>, task: Task): void {
  roundCell.remove(scope.state, task.id);
  endTask(scope, task, 'withdrawn');
}

function openFirstRound(scope: Scope<RoundOutcome>, task: Task): void {
  const weights = scope.emitPayload(encodeWeights(initialWeights(task.spec.model, task.spec.weightsSeed)));
  const { height, time } = scope.block;
  modelCell.set(scope.state, weights, task.id);
  scope.emit('opened', { task: task.id, round: 1, weights: weights.id });
  roundCell.set(
    scope.state,
    {
      round: 1,
      openedHeight: height,
      openedTime: time,
      weights,
      accumulator: null,
      optimizer: null,
      clipping: startClipping(task.spec.clipping, task.spec.privacy.clip16),
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
  const weights = refOf(scope, outcome.weights);
  const accumulator = outcome.accumulator === null ? null : refOf(scope, outcome.accumulator);
  const optimizer = outcome.optimizer === null ? null : refOf(scope, outcome.optimizer);
  modelCell.set(scope.state, weights, task.id);
  const clipping = outcome.clipping ?? round.clipping;
  const status = leavesOutStep(task.spec.clipping, round.clipping, clipping) ? 'searched' : 'closed';
  record(scope, task, round, { status, verdicts, weights });
  noteRound(scope.state, task.id, pointsOf(round, verdicts));
  const qualified = verdicts.filter((verdict) => verdict.qualified).length;
  const refused = verdicts.length - qualified;
  const said = verdicts.map(({ qualified, reason, score16 }) => ({ qualified, reason, score16 }));
  const event = { task: task.id, round: round.round, weights: weights.id, qualified, refused };
  const told = { verdicts: said, weights, accumulator, optimizer, clipping: outcome.clipping };
  scope.emit('closed', closedEventFields({ ...event, outcome: told }));
  advance(scope, task, { ...round, weights, accumulator, optimizer, clipping });
}

/** What the updates of a round earn: points for each unit that the device enrolled with. */
function pointsOf(
  { updates }: Round,
  verdicts: readonly {
    readonly device: Uint8Array;
    readonly qualified: boolean;
    readonly reason: string | null;
  }[],
): Parameters<typeof noteRound>[2] {
  const units = new Map(updates.map((update) => [bytesToHex(update.device), update.units]));
  return verdicts.map(({ device, qualified, reason }) => {
    const each = qualified ? POINTS.qualified : reason === 'rank' ? POINTS.present : 0;
    return { device, points: each * (units.get(bytesToHex(device)) ?? 0) };
  });
}

/** Bytes that were computed are handed on; of pruned ones only the name is known. */
function refOf(scope: Scope<RoundOutcome>, made: RoundOutcome['weights']): PayloadRef {
  return made instanceof Uint8Array ? scope.emitPayload(made) : made;
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
    clip16: round.clipping.clip16,
    ...end,
  };
  closedRoundCell.set(scope.state, closed, task.id, round.round);
}

/** The next round from where this one ended, or the end of the task. A failed round counts as one. */
function advance(scope: Scope<RoundOutcome>, task: Task, ended: Round): void {
  if (ended.round >= task.spec.rounds) {
    roundCell.remove(scope.state, task.id);
    endTask(scope, task, 'done');
    for (const device of completedBy(scope.state, task)) creditCompletion(scope, device, task.spec.level);
    return;
  }
  const { height, time } = scope.block;
  roundCell.set(
    scope.state,
    { ...ended, round: ended.round + 1, openedHeight: height, openedTime: time, updates: [] },
    task.id,
  );
}
