import type { PayloadRef, StateReader } from '../../../chain/index.js';
import { type ClosedRound, modelCell, roundCell, type Task } from '../../../contracts/index.js';
import { bytesToHex } from '../../../crypto/index.js';
import type { RpcContext } from '../context.js';
import { answerLimits } from '../limits.js';

/** The open round's number; 0 before the first, the last one's after the end. */
export function roundReached(state: StateReader, task: Task): number {
  const open = roundCell.get(state, task.id);
  if (open !== null) return open.round;
  return task.status === 'done' ? task.spec.rounds : 0;
}

export function hasEnded({ status }: Pick<Task, 'status'>): boolean {
  return status === 'done' || status === 'failed' || status === 'withdrawn';
}

/** The newest model of a task, or null before the first round. */
export function modelRef(state: StateReader, task: Task): { id: string; size: number } | null {
  const ref = modelCell.get(state, task.id);
  return ref === null ? null : refForm(ref);
}

export function refForm({ id, size }: PayloadRef): { id: string; size: number } {
  return { id: bytesToHex(id), size };
}

export interface UpdateSizes {
  readonly updates: number;
  readonly bytes: number;
}

/** Sizes of rounds that have closed never change: kept for each store, the oldest dropped. */
const REMEMBERED_MAX = 10_000;
const remembered = new WeakMap<RpcContext['store'], Map<string, UpdateSizes>>();

/**
 * Measures the updates of closed rounds from the blocks that hold them; the state keeps verdicts alone.
 *
 * One meter reads at most `answerLimits.scannedBlocks` blocks; rounds beyond that give null.
 */
export function createUpdateMeter(
  store: RpcContext['store'],
  task: number,
): (closed: ClosedRound) => UpdateSizes | null {
  const known = remembered.get(store) ?? new Map<string, UpdateSizes>();
  remembered.set(store, known);
  let blocksLeft = answerLimits.scannedBlocks;
  return (closed) => {
    const id = `${task}/${closed.round}`;
    const before = known.get(id);
    if (before !== undefined) return before;
    // beginBlock opened the round, so the opening block may hold updates; the closing one's are late.
    const blocks = closed.closedHeight - closed.openedHeight;
    if (blocks > blocksLeft) return null;
    blocksLeft -= blocks;
    let sizes: UpdateSizes = { updates: 0, bytes: 0 };
    for (let height = closed.openedHeight; height < closed.closedHeight; height += 1) {
      const inBlock = updatesIn(store, height, task, closed.round);
      if (inBlock === null) return null;
      sizes = { updates: sizes.updates + inBlock.updates, bytes: sizes.bytes + inBlock.bytes };
    }
    if (known.size >= REMEMBERED_MAX) known.delete(known.keys().next().value!);
    known.set(id, sizes);
    return sizes;
  };
}

function updatesIn(
  store: RpcContext['store'],
  height: number,
  task: number,
  round: number,
): UpdateSizes | null {
  const stored = store.block(height);
  if (stored === null) return null;
  const taken = stored.block.transactions.filter((_, index) =>
    stored.receipts[index + 1]!.events.some(({ contract, kind, fields }) => {
      const named = fields as Readonly<Record<string, unknown>>;
      return contract === 'training' && kind === 'update' && named.task === task && named.round === round;
    }),
  );
  const bytes = taken.reduce(
    (sum, { payloads }) => sum + payloads.reduce((all, ref) => all + ref.size, 0),
    0,
  );
  return { updates: taken.length, bytes };
}
