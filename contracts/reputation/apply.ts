import type { Scope, StateAccess, StateReader } from '../../chain/index.js';
import { eraOf, ringCell } from '../../consensus/index.js';
import { bytesToHex, equalBytes } from '../../crypto/index.js';
import { accountsOf } from '../identity/index.js';
import { emptyRunCell, type Params, paramsCell } from '../params.js';
import {
  participationCell,
  type Standing,
  standingCell,
  validatorPointsCell,
  votedBlocksCell,
} from './state.js';

/**
 * Start of a block: what the parent says of its validators, and the change of era.
 *
 * Only two things enter: whose votes the block carries for its parent, and whether the parent was empty; so
 * the result is the same on every node (DESIGN.md section 5).
 */
export function beginBlock<C>(scope: Scope<C>): void {
  const params = paramsCell.get(scope.state)!;
  countParent(scope);
  const { height } = scope.block;
  if (eraOf(height, params.eraHeights) !== eraOf(height - 1, params.eraHeights)) closeEra(scope, params);
}

/** A device's standing; one that was never scored has its starting points. */
export function standingOf(state: StateReader, device: string): Standing {
  return (
    standingCell.get(state, device) ?? {
      points: paramsCell.get(state)!.deviceReputation.start,
      blacklisted: false,
    }
  );
}

/**
 * One verdict's effect: a qualified update gains a point, a refusal that `costs` takes one; at 0 points the
 * device is blacklisted. Refusals by rank cost nothing (DESIGN.md section 7).
 */
export function scoreDevice(
  state: StateAccess,
  device: string,
  verdict: { readonly qualified: boolean; readonly costs: boolean },
): Standing {
  const { cap } = paramsCell.get(state)!.deviceReputation;
  const before = standingOf(state, device);
  const change = verdict.qualified ? 1 : verdict.costs ? -1 : 0;
  const points = Math.max(0, Math.min(cap, before.points + change));
  const after = { points, blacklisted: before.blacklisted || points === 0 };
  standingCell.set(state, after, device);
  return after;
}

function countParent<C>(scope: Scope<C>): void {
  const { state, block } = scope;
  const parentIsEmpty = block.parent.height > 0 && block.parent.leader === null;
  emptyRunCell.set(state, parentIsEmpty ? (emptyRunCell.get(state) ?? 0) + 1 : 0);
  if (parentIsEmpty && block.parent.drawn !== null) {
    addPoints(state, bytesToHex(block.parent.drawn), -1);
    scope.emit('leader-failed', { validator: block.parent.drawn, height: block.parent.height });
  }
  if (block.participants.length === 0) return;
  votedBlocksCell.set(state, (votedBlocksCell.get(state) ?? 0) + 1);
  for (const participant of block.participants) {
    const id = bytesToHex(participant);
    participationCell.set(state, (participationCell.get(state, id) ?? 0) + 1, id);
  }
}

/** Points for the era that ended, and the ring of the era after the one that begins. */
function closeEra<C>(scope: Scope<C>, params: Params): void {
  const { state, block } = scope;
  const era = eraOf(block.height, params.eraHeights);
  const votedBlocks = votedBlocksCell.get(state) ?? 0;
  const validators = accountsOf(state, 'validator');
  for (const { publicKey } of validators) {
    const id = bytesToHex(publicKey);
    const present = (participationCell.get(state, id) ?? 0) * 2 > votedBlocks;
    if (votedBlocks > 0) addPoints(state, id, present ? 1 : -1);
    participationCell.remove(state, id);
  }
  votedBlocksCell.remove(state);
  const seats = ringCell.get(state, era)!;
  const next = seats.map((seat) => ({
    ...seat,
    weight: validatorPointsCell.get(state, bytesToHex(seat.publicKey)) ?? seat.weight,
  }));
  ringCell.set(state, next, era + 1);
  if (era >= 2) ringCell.remove(state, era - 2);
  scope.emit('era', {
    era,
    seats: next.filter((seat) => validators.some((v) => equalBytes(v.publicKey, seat.publicKey))).length,
  });
}

/** Points stay between 1 and the cap: absence lowers a weight, never takes a seat. */
function addPoints(state: StateAccess, validator: string, change: number): void {
  const { start, cap } = paramsCell.get(state)!.validatorReputation;
  const points = (validatorPointsCell.get(state, validator) ?? start) + change;
  validatorPointsCell.set(state, Math.max(1, Math.min(cap, points)), validator);
}
