import type { Scope, StateAccess, StateReader } from '../../chain/index.js';
import { eraOf, writeNextRing } from '../../consensus/index.js';
import { bytesToHex, compareBytes } from '../../crypto/index.js';
import { seatedOf } from '../identity/index.js';
import { emptyRunCell, type Params, paramsCell } from '../params.js';
import { presenceCell, type Standing, standingCell, validatorPointsCell } from './state.js';

/**
 * Start of a block: what the parent says of its validators, and the change of era.
 *
 * Only two things enter: whose votes the block carries for its parent, and whether the parent was empty; so
 * the result is the same on every node.
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
 * device is blacklisted. Refusals by rank cost nothing.
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
  const { parent, participants } = block;
  const parentIsEmpty = parent.height > 0 && parent.leader === null;
  emptyRunCell.set(state, parentIsEmpty ? (emptyRunCell.get(state) ?? 0) + 1 : 0);
  const [drawn] = parent.committee;
  if (parentIsEmpty && drawn !== undefined) {
    addPoints(state, bytesToHex(drawn), -1);
    scope.emit('leader-failed', { validator: drawn, height: parent.height });
  }
  if (participants.length > 0) notePresence(state, parent.committee, participants);
}

function notePresence(
  state: StateAccess,
  committee: readonly Uint8Array[],
  participants: readonly Uint8Array[],
): void {
  const presence = new Map(
    (presenceCell.get(state) ?? []).map((entry) => [bytesToHex(entry.publicKey), entry]),
  );
  const stood = new Set(participants.map(bytesToHex));
  for (const publicKey of committee) {
    const id = bytesToHex(publicKey);
    const before = presence.get(id) ?? { drawn: 0, stood: 0 };
    const vote = stood.has(id) ? 1 : 0;
    presence.set(id, { publicKey, drawn: before.drawn + 1, stood: before.stood + vote });
  }
  const sorted = [...presence.values()].sort((a, b) => compareBytes(a.publicKey, b.publicKey));
  presenceCell.set(state, sorted);
}

/** Points for the era that ended, and the ring of the era after the one that begins. */
function closeEra<C>(scope: Scope<C>, { eraHeights, validatorReputation }: Params): void {
  const { state, block } = scope;
  for (const { publicKey, drawn, stood } of presenceCell.get(state) ?? []) {
    const change = changeFor(drawn, stood);
    if (change !== 0) addPoints(state, bytesToHex(publicKey), change);
  }
  presenceCell.remove(state);
  const era = eraOf(block.height, eraHeights);
  const ring = seatedOf(state).map(({ publicKey, seat, account }) => ({
    publicKey,
    vrfPublicKey: account.vrfPublicKey!,
    weight:
      seat === 'weightless'
        ? 0
        : (validatorPointsCell.get(state, bytesToHex(publicKey)) ?? validatorReputation.start),
  }));
  writeNextRing(state, era, ring);
  const told = ring.map(({ publicKey, weight }) => ({ validator: publicKey, weight }));
  scope.emit('era', { era, ring: told });
}

/**
 * What an era's presence is worth: a point for standing in most of the parent votes, one less for standing in fewer
 * than a third, nothing between.
 *
 * The gap is there because who leads chooses which votes it carries. Dishonest leaders have fewer than half of the
 * heights, also over victims that weigh nothing any more, and so can bring nobody who votes below one half for long;
 * but together with votes that come late by themselves they can. Without the gap two of seven, over victims whose
 * votes are late two times in five, came to lead 40 % of the heights and the victims none (with it 30 and 21 %;
 * test/unit/contracts/presenceGames.test.ts).
 */
function changeFor(drawn: number, stood: number): -1 | 0 | 1 {
  if (stood * 2 > drawn) return 1;
  return stood * 3 < drawn ? -1 : 0;
}

/** Points stay between 1 and the cap: absence lowers a weight, never takes a seat. */
function addPoints(state: StateAccess, validator: string, change: number): void {
  const { start, cap } = paramsCell.get(state)!.validatorReputation;
  const points = (validatorPointsCell.get(state, validator) ?? start) + change;
  validatorPointsCell.set(state, Math.max(1, Math.min(cap, points)), validator);
}
