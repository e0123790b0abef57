import type { StateReader } from '../../chain/index.js';
import { bytesToHex } from '../../crypto/index.js';
import {
  type ComputedOutcome,
  closeRound,
  countSigmaOf,
  type Grid,
  parameterCount,
  roundGrid,
} from '../../fl/index.js';
import { accountOf } from '../identity/index.js';
import { standingOf } from '../reputation/index.js';
import {
  type Enrolled,
  enrolledCell,
  enrolmentEnds,
  nextContentEnd,
  openTasks,
  type Task,
} from '../tasks/index.js';
import { closedRoundCell, type Round, roundCell, submittedCell } from './state.js';

/** A round whose closing is due in the block after the parent, with all that its verdict depends on. */
export interface DueClosing {
  readonly id: string;
  readonly task: Task;
  readonly round: Round;
  /** Enough updates for a verdict; otherwise the round closes as failed and needs none. */
  readonly quorate: boolean;
  readonly blacklisted: number;
}

/**
 * Rounds that the next block's beginBlock closes. Pure: every node finds the same from the parent's state.
 *
 * Unit: `parentTime` in milliseconds, `parentHeight` of the block whose state this is.
 * Due when every awaited device's update is in a block and they are a quorum (else those who were absent may
 * still come), or when the parent's time has passed the deadline and `deadlineBlocks` blocks have gone by. Cost: one look-up an enrolled device of each running task.
 */
export function dueClosings(
  state: StateReader,
  parentHeight: number,
  parentTime: number,
): readonly DueClosing[] {
  return openTasks(state).flatMap((task) => {
    const round = roundCell.get(state, task.id);
    if (round === null) return [];
    const { deadlineMs, deadlineBlocks } = task.spec;
    const late =
      parentTime >= round.openedTime + deadlineMs && parentHeight - round.openedHeight >= deadlineBlocks;
    const enrolled = enrolledCell.get(state, task.id)!;
    const blacklisted = enrolled.filter(
      ({ device }) => standingOf(state, bytesToHex(device)).blacklisted,
    ).length;
    const out = enrolled.filter(({ device }) => isOut(state, device)).length;
    const quorate = round.updates.length >= quorumNow(task, enrolled.length - out);
    if (!late && !(quorate && allHere(state, task, round))) return [];
    return [{ id: closingId(task.id, round.round), task, round, quorate, blacklisted }];
  });
}

/** The earliest deadline of an enrolment or a round, or null. */
export function nextTrainingDeadline(state: StateReader): number | null {
  const contents = nextContentEnd(state);
  const times = openTasks(state).flatMap((task) => {
    if (task.status === 'enrolling') return [task.enrolUntil];
    const round = roundCell.get(state, task.id);
    return round === null ? [] : [round.openedTime + task.spec.deadlineMs];
  });
  const all = contents === null ? times : [...times, contents];
  return all.length === 0 ? null : Math.min(...all);
}

/** A withdrawn task that nothing keeps open: its round, if there is one, holds no update. */
export function canEnd(state: StateReader, task: Task): boolean {
  return task.status === 'ending' && (roundCell.get(state, task.id)?.updates.length ?? 0) === 0;
}

/** Does the next block begin with work of its own: a closing, the end of an enrolment or a task, a first round? */
export function isTrainingDue(state: StateReader, parentHeight: number, parentTime: number): boolean {
  const starts = openTasks(state).some(
    (task) =>
      enrolmentEnds(state, task, parentTime) ||
      canEnd(state, task) ||
      (task.status === 'running' && roundCell.get(state, task.id) === null),
  );
  const ends = (nextContentEnd(state) ?? Number.POSITIVE_INFINITY) <= parentTime;
  return starts || ends || dueClosings(state, parentHeight, parentTime).length > 0;
}

export function closingId(task: number, round: number): string {
  return `${task}/${round}`;
}

/** The grid on which a task's updates travel at the threshold `clip16`: the first and largest, unless told otherwise. */
export function gridOf({ spec }: Pick<Task, 'spec'>, clip16 = spec.privacy.clip16): Grid {
  const { sigma16 } = spec.privacy;
  const countSigma16 = countSigmaOf(spec.clipping);
  return roundGrid({ dimension: parameterCount(spec.model), clip16, sigma16, countSigma16 }, spec.local);
}

/** The grid of a task's open or earlier round; null: the state knows no such round (yet). */
export function gridAt(state: StateReader, task: Task, round: number): Grid | null {
  const open = roundCell.get(state, task.id);
  const clip16 =
    open?.round === round ? open.clipping.clip16 : closedRoundCell.get(state, task.id, round)?.clip16;
  return clip16 === undefined ? null : gridOf(task, clip16);
}

/** Everything a verdict needs, as plain data: for a worker thread, or at replay. */
export interface ClosingJob {
  readonly id: string;
  readonly input: Parameters<typeof closeRound>[0];
}

/** Gathers a due closing's payloads. Null: one is not held. Only for quorate closings. */
export function closingJob(
  due: DueClosing,
  payloadOf: (id: Uint8Array) => Uint8Array | null,
): ClosingJob | null {
  const { task, round } = due;
  const weights = payloadOf(round.weights.id);
  const accumulator = round.accumulator === null ? null : payloadOf(round.accumulator.id);
  const optimizer = round.optimizer === null ? null : payloadOf(round.optimizer.id);
  if (weights === null || (round.accumulator !== null && accumulator === null)) return null;
  if (round.optimizer !== null && optimizer === null) return null;
  const updates = [];
  for (const { device, units, payload } of round.updates) {
    const held = payloadOf(payload.id);
    if (held === null) return null;
    updates.push({ device: bytesToHex(device), units, hash: bytesToHex(payload.id), payload: held });
  }
  const { model, privacy, clipping, verification, aggregation, server, local, learningRate16 } = task.spec;
  return {
    id: due.id,
    input: {
      round: round.round,
      model,
      grid: gridOf(task, round.clipping.clip16),
      weights,
      updates,
      accumulator,
      optimizer,
      front: verification.front,
      verification: verification.rule,
      aggregation,
      faulty: verification.faulty,
      blacklisted: due.blacklisted,
      local,
      server: { ...server, learningRate16 },
      clipping: { choice: clipping, clip16: privacy.clip16, before: round.clipping },
    },
  };
}

/** The verdict and the new model. Deterministic to the bit; cost grows with devices × parameters. */
export function runClosing(job: ClosingJob): ComputedOutcome {
  return closeRound(job.input);
}

/** Blacklisted and suspended devices, and those absent for two rounds running until they submit again, aren't waited for. */
function allHere(state: StateReader, task: Task, round: Round): boolean {
  const here = new Set(round.updates.map(({ device }) => bytesToHex(device)));
  const awaited = enrolledCell.get(state, task.id)!.filter((entry) => isAwaited(state, task, round, entry));
  return awaited.every(({ device }) => here.has(bytesToHex(device)));
}

function isAwaited(state: StateReader, task: Task, round: Round, { device }: Enrolled): boolean {
  if (isOut(state, device)) return false;
  const id = bytesToHex(device);
  const last = submittedCell.get(state, task.id, id) ?? 0;
  return round.round - last <= 2;
}

/** Can nothing of this device come into a block that counts? */
function isOut(state: StateReader, device: Uint8Array): boolean {
  return (
    standingOf(state, bytesToHex(device)).blacklisted || accountOf(state, device)!.status === 'suspended'
  );
}

/** The task's quorum, in proportion to the devices that can still send, rounded up. */
function quorumNow(task: Task, devices: number): number {
  return Math.max(1, Math.ceil((task.spec.quorum * devices) / Math.max(1, task.spec.devicesMax)));
}
