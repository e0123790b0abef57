import {
  type Block,
  type PayloadRef,
  payloadId,
  readState,
  type StateReader,
  type StateTree,
} from '../chain/index.js';
import { openTasks, roundCell } from '../contracts/index.js';
import { bytesToHex } from '../crypto/index.js';
import type { Divergence } from './report.js';

export type Payloads = ReadonlyMap<string, Uint8Array>;

/** What a block's payloads turned out to be. `absent`: how many of them the source says it no longer has. */
export type Taken =
  | { readonly ok: true; readonly payloads: Payloads; readonly absent: number }
  | { readonly ok: false; readonly fault: Fault };

/** Why a block is refused, and where in it. */
export type Fault = Pick<Divergence, 'reason' | 'detail'> & Partial<Divergence>;

/** Compares the payloads that came with a block with those that it announces; a foreign or missing one is a finding. */
export function takePayloads(block: Block, given: readonly (Uint8Array | null)[]): Taken {
  const announced = block.transactions.flatMap(({ payloads }, transaction) =>
    payloads.map((ref) => ({ ref, transaction })),
  );
  if (given.length > announced.length) {
    const detail = `${given.length} payloads for ${announced.length} announced`;
    return { ok: false, fault: { reason: 'foreign-payload', detail, key: 'payloads' } };
  }
  const payloads = new Map<string, Uint8Array>();
  let absent = 0;
  for (const [i, { ref, transaction }] of announced.entries()) {
    const key = bytesToHex(ref.id);
    const payload = given[i];
    if (payload === undefined) {
      const detail = `payload ${key} is not in the export`;
      return { ok: false, fault: { reason: 'missing-payload', detail, transaction, key } };
    }
    if (payload === null) absent += 1;
    else if (payload.length !== ref.size || bytesToHex(payloadId(payload)) !== key) {
      const detail = `the bytes given for payload ${key} are others`;
      return { ok: false, fault: { reason: 'wrong-payload', detail, transaction, key } };
    } else payloads.set(key, payload);
  }
  return { ok: true, payloads, absent };
}

/** What the open rounds of a state need: models, accumulators, what optimizers keep, updates so far. No other payload is read again. */
export function neededRefs(state: StateReader): readonly PayloadRef[] {
  return openTasks(state).flatMap(({ id }) => {
    const round = roundCell.get(state, id);
    if (round === null) return [];
    const { weights, accumulator, optimizer, updates } = round;
    const refs = [weights, accumulator, optimizer, ...updates.map(({ payload }) => payload)];
    return refs.filter((ref) => ref !== null);
  });
}

/** The payloads of the open rounds. */
export function neededPayloads(payloads: Payloads, tree: StateTree): Payloads {
  const needed = new Map<string, Uint8Array>();
  for (const { id } of neededRefs(readState(tree))) {
    const key = bytesToHex(id);
    const payload = payloads.get(key);
    if (payload !== undefined) needed.set(key, payload);
  }
  return needed;
}
